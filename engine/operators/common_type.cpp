#include "engine/operators/common_type.hpp"

#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

using type_ptr = std::shared_ptr<arrow::DataType>;

int digits_of(arrow::Type::type id) {
  switch (id) {
    case arrow::Type::INT8:
    case arrow::Type::UINT8:
      return 3;
    case arrow::Type::INT16:
    case arrow::Type::UINT16:
      return 5;
    case arrow::Type::INT32:
    case arrow::Type::UINT32:
      return 10;
    case arrow::Type::INT64:
      return 19;
    default:
      return 20;
  }
}

bool is_text(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
}

type_ptr common_integer(const type_ptr& a, const type_ptr& b) {
  const bool signed_a = arrow::is_signed_integer(a->id());
  if (signed_a == arrow::is_signed_integer(b->id())) return a->bit_width() >= b->bit_width() ? a : b;
  const auto& of_signed = signed_a ? a : b;
  const auto& of_unsigned = signed_a ? b : a;
  if (of_signed->bit_width() > of_unsigned->bit_width()) return of_signed;
  if (of_unsigned->bit_width() <= 16) return arrow::int32();
  if (of_unsigned->bit_width() == 32) return arrow::int64();
  return arrow::decimal128(20, 0);
}

type_ptr common_decimal(const type_ptr& a, const type_ptr& b) {
  int whole = 0, scale = 0;
  for (const auto& type : {a, b}) {
    if (arrow::is_decimal(type->id())) {
      const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
      whole = std::max(whole, decimal.precision() - decimal.scale());
      scale = std::max(scale, decimal.scale());
    } else {
      whole = std::max(whole, digits_of(type->id()));
    }
  }
  const int precision = whole + scale;
  const bool wide = a->id() == arrow::Type::DECIMAL256 || b->id() == arrow::Type::DECIMAL256;
  if (precision <= arrow::Decimal128Type::kMaxPrecision && !wide) return arrow::decimal128(precision, scale);
  if (precision <= arrow::Decimal256Type::kMaxPrecision) return arrow::decimal256(precision, scale);
  return nullptr;
}

// double holds integers of up to 32 bits and real exactly.
type_ptr common_floating(const type_ptr& a, const type_ptr& b) {
  for (const auto& type : {a, b}) {
    if (arrow::is_floating(type->id())) continue;
    if (!arrow::is_integer(type->id()) || type->bit_width() > 32) return nullptr;
  }
  return arrow::float64();
}

type_ptr common_timestamp(const type_ptr& a, const type_ptr& b) {
  const auto unit_of = [](const type_ptr& type) {
    return type->id() == arrow::Type::TIMESTAMP ? static_cast<const arrow::TimestampType&>(*type).unit()
                                                : arrow::TimeUnit::SECOND;
  };
  const auto zone_of = [](const type_ptr& type) {
    return type->id() == arrow::Type::TIMESTAMP ? static_cast<const arrow::TimestampType&>(*type).timezone()
                                                : std::string();
  };
  if (zone_of(a).empty() != zone_of(b).empty()) return nullptr;  // needs a time zone to be chosen
  return arrow::timestamp(std::max(unit_of(a), unit_of(b)), zone_of(a));
}

}  // namespace

type_ptr common_type(const type_ptr& a, const type_ptr& b) {
  if (a->Equals(*b)) return a;
  if (a->id() == arrow::Type::NA) return b;
  if (b->id() == arrow::Type::NA) return a;
  if (a->id() == arrow::Type::DICTIONARY)
    return common_type(static_cast<const arrow::DictionaryType&>(*a).value_type(), b);
  if (b->id() == arrow::Type::DICTIONARY)
    return common_type(a, static_cast<const arrow::DictionaryType&>(*b).value_type());
  if (is_text(*a) && is_text(*b)) return arrow::large_utf8();
  const bool a_integer = arrow::is_integer(a->id()), b_integer = arrow::is_integer(b->id());
  if (a_integer && b_integer) return common_integer(a, b);
  if ((a_integer || arrow::is_decimal(a->id())) && (b_integer || arrow::is_decimal(b->id())))
    return common_decimal(a, b);
  if (arrow::is_floating(a->id()) || arrow::is_floating(b->id())) return common_floating(a, b);
  const auto is_moment = [](const type_ptr& type) {
    return type->id() == arrow::Type::TIMESTAMP || type->id() == arrow::Type::DATE32;
  };
  if (is_moment(a) && is_moment(b)) return common_timestamp(a, b);
  return nullptr;
}

result<std::shared_ptr<arrow::Array>> widen(const std::shared_ptr<arrow::Array>& column, const type_ptr& to) {
  if (column->type()->Equals(*to)) return column;
  SLUICE_ASSIGN_ARROW(auto cast, arrow::compute::Cast(*column, to), "cast a column to " + type_name(*to));
  return cast;
}

}  // namespace sluice
