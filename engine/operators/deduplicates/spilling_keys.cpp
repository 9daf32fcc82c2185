#include "engine/operators/deduplicates/spilling_keys.hpp"

#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>

namespace sluice {

namespace {

// Keys beyond which calls take longer than an actor's turn.
constexpr std::uint32_t many_keys = 32 * 1024;

}  // namespace

spilling_keys::spilling_keys(const transform_request& request, std::vector<int> by)
    : single_output(request, request.inputs.front().schema),
      context_(*request.context),
      by_(std::move(by)),
      memory_(request.context->memory, request.unit) {}

partitioning spilling_keys::input_partitioning(int) const {
  partitioning how{.how = partitioning::kind::by_keys};
  for (const int key : by_) {
    how.keys.push_back(schema()->field(key)->name());
    how.key_types.push_back(canonical_key_type(schema()->field(key)->type()));
  }
  return how;
}

bool spilling_keys::next_call_may_block() const {
  return spilled_ || known() > many_keys || memory_.bytes() >= context_.memory->least();
}

status spilling_keys::make_index() {
  if (index_) return {};
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const int key : by_) types.push_back(canonical_key_type(schema()->field(key)->type()));
  SLUICE_ASSIGN(index_, group_index::make(types));
  return {};
}

result<std::vector<std::shared_ptr<arrow::Array>>> spilling_keys::known_keys() const {
  if (!index_) return std::vector<std::shared_ptr<arrow::Array>>{};
  std::vector<std::uint32_t> all(index_->size());
  std::iota(all.begin(), all.end(), 0U);
  return index_->keys(all);
}

result<const std::uint32_t*> spilling_keys::take_keys(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                                      std::int64_t rows) {
  SLUICE_TRY(make_index());
  if (keys.size() != by_.size()) return held::foreign("keys");
  const auto before = index_->size();
  const auto* numbers = index_->add(keys, rows);
  if (index_->size() - before != static_cast<std::uint64_t>(rows)) return held::foreign("keys");
  return numbers;
}

result<std::vector<std::shared_ptr<arrow::Array>>> spilling_keys::keys_of(const batch& in) const {
  std::vector<std::shared_ptr<arrow::Array>> keys;
  for (const int key : by_) {
    SLUICE_ASSIGN(auto column, canonical_key(in.data->column(key)));
    keys.push_back(std::move(column));
  }
  return keys;
}

status spilling_keys::hand_out(key_groups of, const part_taker& take) {
  return spilled_->each([&](const batch& rows) -> status {
    SLUICE_ASSIGN(const auto keys, keys_of(rows));
    SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, rows.rows()));
    if (chosen.empty()) return {};
    const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
    SLUICE_ASSIGN(const auto part, part_of(take_rows(rows, indices)));
    return take(part);
  });
}

// Their keys are none of those in memory: they go to disk again, and keys that come are treated as before.
status spilling_keys::take_in(const state_part& part) {
  SLUICE_TRY(make_index());
  if (!spilled_) spilled_ = std::make_unique<partitioned_spill>(context_, unit_);
  frozen_ = true;
  SLUICE_ASSIGN(const auto rows, rows_of(part));
  SLUICE_ASSIGN(const auto* const numbers, number(rows));
  std::vector<std::int32_t> all(static_cast<std::size_t>(rows.rows()));
  std::iota(all.begin(), all.end(), 0);
  if (std::any_of(numbers, numbers + rows.rows(), [](auto key) { return key != group_index::missing; }))
    return held::foreign(part.name);
  return spill(rows, all);
}

result<const std::uint32_t*> spilling_keys::number(const batch& in) {
  SLUICE_TRY(make_index());
  SLUICE_ASSIGN(const auto keys, keys_of(in));
  const auto held = index_->bytes() + others_;
  if (!frozen_ && !memory_.try_resize(held + index_->growth(in.rows())) && held >= context_.memory->least()) {
    frozen_ = true;
    if (!spilled_) spilled_ = std::make_unique<partitioned_spill>(context_, unit_);
  }
  return frozen_ ? index_->find(keys, in.rows()) : index_->add(keys, in.rows());
}

void spilling_keys::holds(std::int64_t bytes) {
  others_ = bytes;
  memory_.take(index_->bytes() + others_);
}

status spilling_keys::spill(const batch& in, const std::vector<std::int32_t>& rows) {
  if (rows.empty()) return {};
  std::vector<std::uint64_t> hashes;
  for (const auto row : rows) hashes.push_back(index_->hashes()[row]);
  return spilled_->add(
      take_rows(in, arrow::Int32Array(static_cast<std::int64_t>(rows.size()), arrow::Buffer::Wrap(rows))), hashes);
}

result<std::shared_ptr<arrow::Array>> spilling_keys::make_places(std::uint32_t number, std::int64_t rows) {
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(rows * 8), "number rows");
  auto* values = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
  for (std::int64_t row = 0; row < rows; ++row)
    values[row] = (std::uint64_t{number} << 32) | static_cast<std::uint64_t>(row);
  return std::shared_ptr<arrow::Array>(std::make_shared<arrow::UInt64Array>(rows, std::move(buffer)));
}

status spilling_keys::finish(int, emitter&) {
  finished_ = true;
  return {};
}

result<bool> spilling_keys::resume(emitter& out) {
  if (!finished_) return false;
  return spilled_ ? work_off(out) : emit_kept(out);
}

// One step of: take rows of the present part back; give what was kept of it to
// the sorter; begin the next part; at the end, give all in order.
result<bool> spilling_keys::work_off(emitter& out) {
  if (!results_)
    results_ = std::make_unique<external_sort>(context_, unit_,
                                               std::vector<external_sort::key>{{.column = schema()->num_fields()}});
  SLUICE_ASSIGN(bool more, results_->work());
  if (more) return true;
  if (all_read_) {
    SLUICE_ASSIGN(auto rows, results_->next());
    if (!rows.data) return false;
    SLUICE_ASSIGN_ARROW(rows.data, rows.data->RemoveColumn(schema()->num_fields()), "read kept rows");
    out.emit(0, std::move(rows));
    return true;
  }
  SLUICE_ASSIGN(auto rows, spilled_->next_block());
  if (rows) {
    SLUICE_TRY(take_back(std::move(*rows), *results_, out));
    return true;
  }
  SLUICE_ASSIGN(more, give_kept(*results_));
  if (more) return true;
  SLUICE_TRY(spilled_->close());
  start_over();
  index_.reset();
  frozen_ = false;
  others_ = 0;
  memory_.take(0);
  memory::return_freed_memory();
  if (spilled_->next_partition()) return true;
  all_read_ = true;
  SLUICE_TRY(results_->finish());
  return true;
}

}  // namespace sluice
