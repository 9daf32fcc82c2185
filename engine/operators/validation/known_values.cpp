#include "engine/operators/validation/known_values.hpp"

#include "engine/operators/common_type.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>

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
  const auto add = [&](std::int64_t row) {
    broken.push_back({.row = row, .code = "rule_broken", .column = rule, .message = of_.message});
  };
  if (has_spilled()) {
    if (unknown_.empty()) return internal_error("internal_error", "rows are checked whose values were not looked up");
    for (const auto row : unknown_.front()) add(row);
    unknown_.pop_front();
    return {};
  }
  SLUICE_TRY(prepare());
  SLUICE_ASSIGN(const auto keys, keys_of(in, of_.column));
  const auto* found = index_->find(keys, in.rows());
  for (std::int64_t row = 0; row < in.rows(); ++row)
    if (found[row] == group_index::missing && keys.front()->IsValid(row)) add(row);
  return {};
}

status known_values::look_up(const std::deque<batch>& next, const memory::spill_file& file) {
  SLUICE_TRY(prepare());
  std::vector<wanted_value> wanted;
  for (std::uint32_t at = 0; at < next.size(); ++at) {
    const auto& in = next[at];
    SLUICE_ASSIGN(const auto keys, keys_of(in, of_.column));
    const auto* found = index_->find(keys, in.rows());
    SLUICE_TRY(hasher_.each(keys, [&](std::int64_t row, value_hash hash) {
      if (found[row] == group_index::missing && keys.front()->IsValid(row))
        wanted.push_back({.hash = hash, .batch = at, .row = static_cast<std::int32_t>(row)});
    }));
  }
  SLUICE_ASSIGN(unknown_, spilled_.rows_of(std::move(wanted), next.size(), false, file));
  return {};
}

status known_values::restore(const arrow::RecordBatch& values) {
  SLUICE_TRY(prepare());
  index_->add(values.columns(), values.num_rows());
  return {};
}

}  // namespace sluice::validation
