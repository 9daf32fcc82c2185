#include "engine/formats/parquet/row_groups.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/statistics.h>

#include <compare>
#include <optional>

namespace sluice::row_groups {

namespace {

/// How two values of one type follow each other; nothing for types whose order in a file may be another one, and for
/// floats, whose NaN no statistics tell.
std::optional<std::strong_ordering> compare(const arrow::Scalar& a, const arrow::Scalar& b) {
  const auto as = [&]<class Scalar>(const Scalar*) -> std::strong_ordering {
    return static_cast<const Scalar&>(a).value <=> static_cast<const Scalar&>(b).value;
  };
  if (!a.is_valid || !b.is_valid || !a.type->Equals(*b.type)) return {};
  switch (a.type->id()) {
    case arrow::Type::INT16:
      return as(static_cast<const arrow::Int16Scalar*>(nullptr));
    case arrow::Type::INT32:
      return as(static_cast<const arrow::Int32Scalar*>(nullptr));
    case arrow::Type::INT64:
      return as(static_cast<const arrow::Int64Scalar*>(nullptr));
    case arrow::Type::UINT64:
      return as(static_cast<const arrow::UInt64Scalar*>(nullptr));
    case arrow::Type::DATE32:
      return as(static_cast<const arrow::Date32Scalar*>(nullptr));
    case arrow::Type::TIMESTAMP:
      return as(static_cast<const arrow::TimestampScalar*>(nullptr));
    case arrow::Type::STRING:
      return static_cast<const arrow::StringScalar&>(a).view() <=> static_cast<const arrow::StringScalar&>(b).view();
    case arrow::Type::DECIMAL128: {
      const auto& left = static_cast<const arrow::Decimal128Scalar&>(a).value;
      const auto& right = static_cast<const arrow::Decimal128Scalar&>(b).value;
      return left < right   ? std::strong_ordering::less
             : right < left ? std::strong_ordering::greater
                            : std::strong_ordering::equal;
    }
    default:
      return {};
  }
}

/// Whether no value between `low` and `high` keeps the bound.
bool outside(const arrow::Scalar& low, const arrow::Scalar& high, const expression::column_bound& bound) {
  const auto least = compare(low, *bound.value);
  const auto greatest = compare(high, *bound.value);
  if (!least || !greatest) return false;
  if (bound.op == "<") return *least >= 0;
  if (bound.op == "<=") return *least > 0;
  if (bound.op == ">") return *greatest <= 0;
  if (bound.op == ">=") return *greatest < 0;
  return *least > 0 || *greatest < 0;
}

}  // namespace

bool holds_nothing(const parquet::RowGroupMetaData& group, const parquet::arrow::SchemaManifest& file,
                   const std::vector<named_bound>& bounds) {
  for (const auto& [column, bound] : bounds) {
    for (const auto& field : file.schema_fields) {
      if (field.field->name() != column || !field.is_leaf()) continue;
      const auto chunk = group.ColumnChunk(field.column_index);
      const auto statistics = chunk->is_stats_set() ? chunk->statistics() : nullptr;
      if (!statistics || !statistics->HasMinMax()) continue;
      std::shared_ptr<arrow::Scalar> low;
      std::shared_ptr<arrow::Scalar> high;
      if (!parquet::arrow::StatisticsAsScalars(*statistics, &low, &high).ok()) continue;
      if (outside(*low, *high, bound)) return true;
    }
  }
  return false;
}

}  // namespace sluice::row_groups
