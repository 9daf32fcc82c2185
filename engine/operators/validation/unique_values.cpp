#include "engine/operators/validation/unique_values.hpp"

#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace sluice::validation {

status unique_values::prepare() {
  if (index_) return {};
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const int column : of_->unique) types.push_back(canonical_key_type(schema_->field(column)->type()));
  SLUICE_ASSIGN(index_, group_index::make(types));
  return {};
}

status unique_values::check(const batch& in, row_errors& broken) {
  SLUICE_TRY(prepare());
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const int column : of_->unique) {
    SLUICE_ASSIGN(auto key, canonical_key(in.data->column(column)));
    columns.push_back(std::move(key));
  }
  const auto before = index_->size();
  const auto* groups = index_->add(columns, in.rows());
  std::vector<bool> met(index_->size() - before);
  for (std::int64_t row = 0; row < in.rows(); ++row) {
    if (std::any_of(columns.begin(), columns.end(), [&](const auto& each) { return each->IsNull(row); })) continue;
    if (groups[row] >= before && !met[groups[row] - before]) {
      met[groups[row] - before] = true;
      continue;
    }
    broken.push_back({.row = row, .code = "rule_broken", .column = of_->name, .message = of_->unique_message});
  }
  return {};
}

result<std::shared_ptr<arrow::RecordBatch>> unique_values::values() const {
  if (!index_) return std::shared_ptr<arrow::RecordBatch>();
  std::vector<std::uint32_t> all(index_->size());
  std::iota(all.begin(), all.end(), 0U);
  SLUICE_ASSIGN(auto columns, index_->keys(all));
  return held::unnamed(std::ssize(all), std::move(columns));
}

status unique_values::restore(const arrow::RecordBatch& values) {
  SLUICE_TRY(prepare());
  index_->add(values.columns(), values.num_rows());
  return {};
}

}  // namespace sluice::validation
