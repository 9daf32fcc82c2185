#include "engine/operators/validation/unique_values.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::validation {

namespace {

bool has_null(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t row) {
  return std::any_of(columns.begin(), columns.end(), [&](const auto& each) { return each->IsNull(row); });
}

}  // namespace

status unique_values::prepare() {
  if (index_) return {};
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const int column : of_->unique) types.push_back(canonical_key_type(schema_->field(column)->type()));
  SLUICE_ASSIGN(index_, group_index::make(types));
  return {};
}

result<std::vector<std::shared_ptr<arrow::Array>>> unique_values::keys_of(const batch& in) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const int column : of_->unique) {
    SLUICE_ASSIGN(auto key, canonical_key(in.data->column(column)));
    columns.push_back(std::move(key));
  }
  return columns;
}

status unique_values::check(const batch& in, row_errors& broken) {
  SLUICE_TRY(prepare());
  SLUICE_ASSIGN(const auto columns, keys_of(in));
  std::vector<std::int32_t> on_disk;
  if (has_spilled()) {
    if (on_disk_.empty()) return internal_error("internal_error", "rows are checked whose keys were not looked up");
    on_disk = std::move(on_disk_.front());
    on_disk_.pop_front();
  }
  const auto before = index_->size();
  const auto* groups = index_->add(columns, in.rows());
  std::vector<bool> met(index_->size() - before);
  auto known = on_disk.begin();
  for (std::int64_t row = 0; row < in.rows(); ++row) {
    const bool came_before = known != on_disk.end() && *known == row;
    if (came_before) ++known;
    if (has_null(columns, row)) continue;
    if (!came_before && groups[row] >= before && !met[groups[row] - before]) {
      met[groups[row] - before] = true;
      continue;
    }
    broken.push_back({.row = row, .code = "rule_broken", .column = of_->name, .message = of_->unique_message});
  }
  return {};
}

status unique_values::look_up(const std::deque<batch>& next, const memory::spill_file& file) {
  std::vector<wanted_value> wanted;
  for (std::uint32_t at = 0; at < next.size(); ++at) {
    SLUICE_ASSIGN(const auto columns, keys_of(next[at]));
    SLUICE_TRY(hasher_.each(columns, [&](std::int64_t row, value_hash hash) {
      if (!has_null(columns, row)) wanted.push_back({.hash = hash, .batch = at, .row = static_cast<std::int32_t>(row)});
    }));
  }
  SLUICE_ASSIGN(on_disk_, spilled_.rows_of(std::move(wanted), next.size(), true, file));
  return {};
}

status unique_values::restore(const arrow::RecordBatch& values) {
  SLUICE_TRY(prepare());
  index_->add(values.columns(), values.num_rows());
  return {};
}

}  // namespace sluice::validation
