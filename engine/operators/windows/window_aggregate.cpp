#include "engine/operators/windows/window_aggregate.hpp"

#include "engine/component/may_block.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/operators/makes_rows.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/operators/windows/session_aggregate.hpp"
#include "engine/operators/windows/window_grid.hpp"
#include "engine/operators/windows/window_groups.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

namespace sluice::windows {

namespace {

// Groups beyond which calls take longer than an actor's turn.
constexpr std::uint32_t many_groups = 32 * 1024;

// Tumbling and hopping windows: a row is in those that its event time is in. A window is emitted when the watermark
// passes its end, and only then; that an input ends says nothing, unless the watermark says so too.
class window_aggregate final : public transform, public may_block, public makes_rows {
 public:
  window_aggregate(const transform_request& request, std::unique_ptr<bound_windows> what, const window_rule& rule,
                   window_grid grid)
      : input_(request.inputs.front().schema),
        groups_(request, std::move(what), rule.allowed_lateness),
        grid_(std::move(grid)) {}

  [[nodiscard]] const std::vector<output_port>& outputs() const override { return groups_.what().outputs; }
  [[nodiscard]] partitioning input_partitioning(int) const override { return groups_.input_partitioning(); }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] bool needs_watermarks() const override { return true; }
  [[nodiscard]] bool next_call_may_block() const override { return groups_.windows().groups() > many_groups; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>&) const override {
    return columns_read(groups_.what(), input_);
  }

  result<std::vector<state_part>> state(key_groups of) override { return groups_.state(of); }
  status restore(const std::vector<state_part>& parts) override { return groups_.restore(parts); }
  /// A group stands for the first of its rows until it is given.
  [[nodiscard]] std::uint64_t held() const override { return groups_.windows().held(); }

  status process(int, batch in, emitter& out) override {
    SLUICE_ASSIGN(in, groups_.with_times(std::move(in), out));
    if (in.rows() == 0) return {};
    SLUICE_TRY(place(in, out));
    return groups_.add(in, places_, out);
  }
  status on_time(std::int64_t watermark, emitter&) override {
    groups_.windows().advance(watermark);
    return {};
  }
  status before_barrier(std::uint64_t, emitter&) override {
    groups_.windows().give_changed();
    return {};
  }
  result<bool> resume(emitter& out) override { return groups_.give(out); }

 private:
  // Finds the windows of each row; those that came too late for all of theirs go.
  status place(const batch& in, emitter& out) {
    SLUICE_ASSIGN(const auto times, event_times::of(*in.data, groups_.what().time));
    const auto& windows = groups_.windows();
    places_.clear();
    std::vector<std::int32_t> late;
    std::int64_t begin = 1, end = 0;  // of the last row's window, where it has but one
    for (std::int32_t row = 0; row < in.rows(); ++row) {
      const auto time = times.at(row);
      if (time < begin || time >= end) {
        of_row_.clear();
        grid_.begins_of(time, of_row_);
        begin = of_row_.front();
        end = of_row_.size() == 1 ? grid_.end_of(begin) : begin;
      }
      const auto before = places_.rows.size();
      // The windows of a row begin one before the other: the earliest first.
      for (auto one = of_row_.rbegin(); one != of_row_.rend(); ++one) {
        const auto its_end = of_row_.size() == 1 ? end : grid_.end_of(*one);
        if (windows.is_closed(its_end)) continue;
        places_.rows.push_back(row);
        places_.begins.push_back(*one);
        places_.ends.push_back(its_end);
      }
      if (places_.rows.size() == before) late.push_back(row);
    }
    places_.distinct = static_cast<std::uint64_t>(in.rows()) - late.size();
    groups_.give_late(in, late, out);
    return {};
  }

  std::shared_ptr<arrow::Schema> input_;
  window_groups groups_;
  window_grid grid_;
  placed_rows places_;                ///< of the present batch
  std::vector<std::int64_t> of_row_;  ///< begins of the last row's windows
};

}  // namespace

std::unique_ptr<transform> make_window_aggregate(const transform_request& request, diagnostics& faults) {
  const auto rule = read_window(request.own["window"], faults);
  std::shared_ptr<arrow::Schema> schema;
  auto what = bind_windows(request, schema, faults);
  if (!rule || !what) return make_stand_in(std::move(schema));
  if (rule->how == window_rule::kind::session) return make_session_aggregate(request, std::move(what), *rule);
  auto grid = window_grid::make(*rule, what->zone);
  if (!grid.ok()) {
    faults.push_back(std::move(grid).problem());
    return nullptr;
  }
  return std::make_unique<window_aggregate>(request, std::move(what), *rule, std::move(grid).value());
}

}  // namespace sluice::windows
