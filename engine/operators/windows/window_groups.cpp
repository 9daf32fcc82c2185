#include "engine/operators/windows/window_groups.hpp"

#include "engine/operators/aggregates/group_results.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/windows/held_in_time.hpp"
#include "engine/operators/windows/late_rows.hpp"
#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <set>
#include <utility>

namespace sluice::windows {

namespace {

arrow::Int32Array indices_of(const std::vector<std::int32_t>& rows) {
  return arrow::Int32Array(std::ssize(rows), arrow::Buffer::Wrap(rows));
}

bool is_every_row(const std::vector<std::int32_t>& rows, std::int64_t count) {
  if (std::ssize(rows) != count) return false;
  for (std::size_t at = 0; at < rows.size(); ++at)
    if (rows[at] != static_cast<std::int32_t>(at)) return false;
  return true;
}

}  // namespace

window_groups::window_groups(const transform_request& request, std::unique_ptr<bound_windows> what,
                             std::int64_t lateness)
    : input_(request.inputs.front().schema),
      policy_(request.policy),
      what_(std::move(what)),
      windows_(what_->what, *request.context, request.unit, lateness),
      memory_(request.context->memory, request.unit) {}

partitioning window_groups::input_partitioning() const {
  // The last two keys are those of the window.
  const auto keys = what_->what.keys.size() - 2;
  if (keys == 0) return {.how = partitioning::kind::single};
  partitioning how{.how = partitioning::kind::by_keys};
  for (std::size_t key = 0; key < keys; ++key) {
    how.keys.push_back(what_->columns.schema()->field(what_->what.keys[key])->name());
    how.key_types.push_back(what_->what.key_types[key]);
  }
  return how;
}

result<batch> window_groups::with_times(batch in, emitter& out) {
  positions_ = positions_ || in.positions != nullptr;
  return windows::with_times(std::move(in), what_->time, policy_, out);
}

void window_groups::give_late(const batch& in, const std::vector<std::int32_t>& rows, emitter& out) const {
  windows::give_late(in, rows, what_->time, late_port_of(what_->outputs), windows_.watermark(),
                     "its windows are complete", out);
}

status window_groups::add(const batch& in, const placed_rows& places, emitter& out) {
  if (places.rows.empty()) return {};
  const auto indices = indices_of(places.rows);
  auto placed = what_->columns.add_to(is_every_row(places.rows, in.rows()) ? in : take_rows(in, indices), places.begins,
                                      places.ends);
  aggregates::group_pass::evaluated_rows rows;
  row_errors errors;
  SLUICE_ASSIGN(rows.inputs, what_->what.evaluate(placed, errors));
  auto distinct = places.distinct;
  std::vector<std::uint32_t> numbers(places.rows.begin(), places.rows.end());
  if (!errors.empty()) {
    SLUICE_ASSIGN(const auto kept, settle(in, places, std::move(errors), distinct, out));
    if (kept) {
      const settled_rows settled{.all_kept = false,
                                 .kept = std::make_shared<arrow::Int32Array>(indices_of(*kept).data())};
      placed = keep_rows(placed, settled);
      for (auto& values : rows.inputs) values = keep_rows(values, settled);
      numbers.clear();
      for (const auto at : *kept)
        numbers.push_back(static_cast<std::uint32_t>(places.rows[static_cast<std::size_t>(at)]));
    }
  }
  rows.rows = placed.rows();
  if (rows.rows == 0) return {};
  for (const int key : what_->what.keys) {
    SLUICE_ASSIGN(auto column, canonical_key(placed.data->column(key)));
    rows.keys.push_back(std::move(column));
  }
  rows.order = in.order;
  rows.row_numbers = numbers.data();
  if (const auto more = static_cast<std::uint64_t>(rows.rows) - distinct; more > 0) out.count_added(more);
  SLUICE_TRY(windows_.add(std::move(rows)));
  out.count_merged(windows_.merged());
  return reserve_held(memory_, windows_.bytes() + others_);
}

result<std::optional<std::vector<std::int32_t>>> window_groups::settle(const batch& in, const placed_rows& places,
                                                                       row_errors errors, std::uint64_t& distinct,
                                                                       emitter& out) {
  std::set<std::pair<std::int64_t, std::string>> seen;
  std::set<std::int32_t> bad;
  row_errors once;
  for (auto& one : errors) {
    one.row = places.rows[static_cast<std::size_t>(one.row)];
    if (!seen.emplace(one.row, one.column).second) continue;
    bad.insert(static_cast<std::int32_t>(one.row));
    once.push_back(std::move(one));
  }
  SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(once), policy_, out));
  if (settled.all_kept) return std::optional<std::vector<std::int32_t>>();
  distinct -= bad.size();
  std::vector<std::int32_t> kept;
  for (std::size_t at = 0; at < places.rows.size(); ++at)
    if (!bad.contains(places.rows[at])) kept.push_back(static_cast<std::int32_t>(at));
  return std::optional(std::move(kept));
}

result<bool> window_groups::give(emitter& out) {
  const auto groups = windows_.next_due(target_batch_rows);
  if (groups.empty()) {
    SLUICE_TRY(windows_.forget_closed());
    memory_.take(windows_.bytes() + others_);
    return false;
  }
  if (windows_.given_again() > 0) out.count_added(windows_.given_again());
  const auto& what = what_->what;
  const auto rows = std::ssize(groups);
  SLUICE_ASSIGN(auto columns, aggregates::read_keys(what, windows_.pass(), groups));
  row_errors errors;
  SLUICE_ASSIGN(auto results, aggregates::read_outputs(what, windows_.pass(), columns, groups, errors));
  columns.insert(columns.end(), results.begin(), results.end());
  batch made;
  made.data = arrow::RecordBatch::Make(what_->outputs.front().schema, rows, std::move(columns));
  if (positions_) made.positions = unknown_positions(rows);
  SLUICE_ASSIGN(const auto settled, settle_errors(made, std::move(errors), policy_, out));
  made = keep_rows(made, settled);
  if (made.rows() > 0) out.emit(0, std::move(made));
  return true;
}

status window_groups::holds(std::int64_t bytes) {
  others_ = bytes;
  return reserve_held(memory_, windows_.bytes() + others_);
}

result<std::vector<state_part>> window_groups::state(key_groups of) {
  SLUICE_ASSIGN(auto parts, windows_.state(of));
  SLUICE_ASSIGN(auto flags, held::numbers("windows", {positions_ ? 1 : 0, windows_.watermark()}));
  parts.push_back(std::move(flags));
  return parts;
}

status window_groups::restore(const std::vector<state_part>& parts) {
  auto watermark = windows_.watermark();
  for (const auto& part : parts) {
    if (part.name != "windows") continue;
    SLUICE_ASSIGN(const auto flags, held::numbers_of(part, 2));
    positions_ = positions_ || flags[0] != 0;
    watermark = flags[1];
  }
  SLUICE_TRY(windows_.restore(parts, watermark));
  return reserve_held(memory_, windows_.bytes() + others_);
}

}  // namespace sluice::windows
