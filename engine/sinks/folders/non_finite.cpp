#include "engine/sinks/folders/non_finite.hpp"

#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace sluice::folders {

namespace {

using texts = std::vector<std::string>;  // of the first such value of each row; empty: none

bool may_have(const arrow::DataType& type) {
  if (type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE) return true;
  for (const auto& field : type.fields())
    if (may_have(*field->type())) return true;
  return false;
}

template <class Array>
void look_at_numbers(const arrow::Array& column, texts& found) {
  const auto& values = static_cast<const Array&>(column);
  for (std::int64_t row = 0; row < values.length(); ++row)
    if (!std::isfinite(values.Value(row)) && values.IsValid(row) && found[static_cast<std::size_t>(row)].empty())
      found[static_cast<std::size_t>(row)] = value_text(values, row);
}

void look_at(const arrow::Array& column, texts& found);

void look_at_lists(const arrow::ListArray& lists, texts& found) {
  texts below(static_cast<std::size_t>(lists.values()->length()));
  look_at(*lists.values(), below);
  for (std::int64_t row = 0; row < lists.length(); ++row)
    for (auto at = lists.value_offset(row); lists.IsValid(row) && at < lists.value_offset(row + 1); ++at)
      if (found[static_cast<std::size_t>(row)].empty())
        found[static_cast<std::size_t>(row)] = below[static_cast<std::size_t>(at)];
}

void look_at(const arrow::Array& column, texts& found) {
  if (!may_have(*column.type())) return;
  switch (column.type_id()) {
    case arrow::Type::FLOAT:
      return look_at_numbers<arrow::FloatArray>(column, found);
    case arrow::Type::DOUBLE:
      return look_at_numbers<arrow::DoubleArray>(column, found);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return look_at_lists(static_cast<const arrow::ListArray&>(column), found);
    case arrow::Type::STRUCT: {
      const auto& rows = static_cast<const arrow::StructArray&>(column);
      texts below(found.size());
      for (int i = 0; i < rows.num_fields(); ++i) look_at(*rows.field(i), below);
      for (std::size_t row = 0; row < found.size(); ++row)
        if (found[row].empty() && rows.IsValid(static_cast<std::int64_t>(row))) found[row] = below[row];
      return;
    }
    default:
      return;
  }
}

}  // namespace

void find_non_finite(const arrow::RecordBatch& rows, row_errors& found) {
  std::vector<std::uint8_t> told(static_cast<std::size_t>(rows.num_rows()), 0);
  row_errors all;
  for (int i = 0; i < rows.num_columns(); ++i) {
    const auto& column = *rows.column(i);
    if (!may_have(*column.type())) continue;
    texts bad(told.size());
    look_at(column, bad);
    for (std::size_t row = 0; row < bad.size(); ++row) {
      if (bad[row].empty() || told[row] != 0) continue;
      told[row] = 1;
      all.push_back({.row = static_cast<std::int64_t>(row),
                     .code = "not_representable",
                     .column = rows.schema()->field(i)->name(),
                     .message = "JSON has no representation of " + bad[row]});
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  found.insert(found.end(), all.begin(), all.end());
}

}  // namespace sluice::folders
