#include "engine/operators/validation/known_values.hpp"

#include "engine/operators/common_type.hpp"
#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <numeric>

namespace sluice::validation {

status known_values::prepare() {
  if (index_) return {};
  SLUICE_ASSIGN(index_, group_index::make({of_.type}));
  return {};
}

result<std::vector<std::shared_ptr<arrow::Array>>> known_values::keys_of(const batch& in, int column) const {
  SLUICE_ASSIGN(auto key, canonical_key(in.data->column(column)));
  SLUICE_ASSIGN(key, widen(key, of_.type));
  return std::vector{std::move(key)};
}

status known_values::add(const batch& in) {
  SLUICE_TRY(prepare());
  SLUICE_ASSIGN(const auto keys, keys_of(in, of_.there));
  index_->add(keys, in.rows());
  return {};
}

status known_values::check(const batch& in, const std::string& rule, row_errors& broken) {
  SLUICE_TRY(prepare());
  SLUICE_ASSIGN(const auto keys, keys_of(in, of_.column));
  const auto* found = index_->find(keys, in.rows());
  for (std::int64_t row = 0; row < in.rows(); ++row)
    if (found[row] == group_index::missing && keys.front()->IsValid(row))
      broken.push_back({.row = row, .code = "rule_broken", .column = rule, .message = of_.message});
  return {};
}

result<std::shared_ptr<arrow::RecordBatch>> known_values::values() const {
  if (!index_) return std::shared_ptr<arrow::RecordBatch>();
  std::vector<std::uint32_t> all(index_->size());
  std::iota(all.begin(), all.end(), 0U);
  SLUICE_ASSIGN(auto columns, index_->keys(all));
  return held::unnamed(std::ssize(all), std::move(columns));
}

status known_values::restore(const arrow::RecordBatch& values) {
  SLUICE_TRY(prepare());
  index_->add(values.columns(), values.num_rows());
  return {};
}

}  // namespace sluice::validation
