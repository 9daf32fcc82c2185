#include "engine/operators/windows/session_aggregate.hpp"

#include "engine/component/may_block.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/makes_rows.hpp"
#include "engine/operators/windows/open_sessions.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::windows {

namespace {

// Rows beyond which calls take longer than an actor's turn.
constexpr std::uint64_t many_rows = 32 * 1024;

std::vector<std::shared_ptr<arrow::DataType>> own_key_types(const bound_windows& what) {
  return {what.what.key_types.begin(), what.what.key_types.end() - 2};
}

// Sessions: rows are kept until the watermark passes the end of their session; then that is a window like any other.
class session_aggregate final : public transform, public may_block, public makes_rows {
 public:
  session_aggregate(const transform_request& request, std::unique_ptr<bound_windows> what, const window_rule& rule)
      : input_(request.inputs.front().schema),
        sessions_(own_key_types(*what), rule.size, rule.allowed_lateness),
        groups_(request, std::move(what), 0) {}

  [[nodiscard]] const std::vector<output_port>& outputs() const override { return groups_.what().outputs; }
  [[nodiscard]] partitioning input_partitioning(int) const override { return groups_.input_partitioning(); }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] bool needs_watermarks() const override { return true; }
  [[nodiscard]] bool next_call_may_block() const override { return sessions_.rows() > many_rows; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>&) const override {
    return columns_read(groups_.what(), input_);
  }

  [[nodiscard]] std::uint64_t held() const override { return sessions_.held() + groups_.windows().held(); }

  // The rows of open sessions as they came; the sessions follow from them.
  result<std::vector<state_part>> state(key_groups of) override {
    SLUICE_ASSIGN(auto parts, groups_.state(of));
    for (const auto& kept : sessions_.kept()) {
      if (kept.live.empty()) continue;
      const auto rows = take_rows(kept.rows, arrow::Int32Array(std::ssize(kept.live), arrow::Buffer::Wrap(kept.live)));
      SLUICE_ASSIGN(const auto keys, keys_of(rows));
      SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, rows.rows()));
      if (chosen.empty()) continue;
      const auto mine = take_rows(rows, arrow::Int32Array(std::ssize(chosen), arrow::Buffer::Wrap(chosen)));
      // Which of them were given, where some were.
      std::vector<std::int64_t> given;
      given.reserve(chosen.size());
      for (const auto row : chosen) given.push_back(kept.given[static_cast<std::size_t>(row)] ? 1 : 0);
      if (std::find(given.begin(), given.end(), 1) != given.end()) {
        SLUICE_ASSIGN(auto flags, held::numbers("given", given));
        parts.push_back(std::move(flags));
      }
      const auto& at = rows.order;
      SLUICE_ASSIGN(auto place, held::numbers("place", {at.split, static_cast<std::int64_t>(at.sequence), at.chunk}));
      parts.push_back(std::move(place));
      SLUICE_ASSIGN(auto part, held::rows("rows", mine));
      parts.push_back(std::move(part));
    }
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    SLUICE_TRY(groups_.restore(parts));
    order_key place;
    std::vector<bool> given;
    for (const auto& part : parts) {
      if (part.name == "given") {
        SLUICE_ASSIGN(const auto flags, held::numbers_of(part, static_cast<std::size_t>(part.rows->num_rows())));
        given.assign(flags.begin(), flags.end());
      }
      if (part.name == "place") {
        SLUICE_ASSIGN(const auto at, held::numbers_of(part, 3));
        place = {.split = static_cast<std::uint32_t>(at[0]),
                 .sequence = static_cast<std::uint64_t>(at[1]),
                 .chunk = static_cast<std::uint32_t>(at[2])};
      }
      if (part.name != "rows") continue;
      SLUICE_ASSIGN(auto rows, held::rows_of(part));
      rows.order = place;
      if (!rows.data->schema()->Equals(*input_)) return held::foreign(part.name);
      given.resize(static_cast<std::size_t>(rows.rows()));
      std::vector<std::int32_t> late;
      SLUICE_TRY(keep(rows, late, std::exchange(given, {})));
      if (!late.empty()) return held::foreign(part.name);
    }
    return groups_.holds(sessions_.bytes());
  }

  status process(int, batch in, emitter& out) override {
    SLUICE_ASSIGN(in, groups_.with_times(std::move(in), out));
    if (in.rows() == 0) return {};
    std::vector<std::int32_t> late;
    SLUICE_TRY(keep(in, late));
    groups_.give_late(in, late, out);
    return groups_.holds(sessions_.bytes());
  }
  status on_time(std::int64_t watermark, emitter&) override {
    sessions_.advance(watermark);
    watermark_ = watermark;
    return {};
  }
  status before_barrier(std::uint64_t, emitter&) override {
    const auto watermark = groups_.windows().watermark();
    sessions_.give_changed(watermark);
    watermark_ = watermark;
    return {};
  }
  // Rows of complete sessions go into their windows, a batch a call; then the windows are given.
  result<bool> resume(emitter& out) override {
    if (watermark_) {
      batch rows;
      std::uint64_t again = 0;
      if (sessions_.next_complete(rows, places_, again)) {
        out.count_added(again);
        SLUICE_TRY(groups_.add(rows, places_, out));
        return true;
      }
      groups_.windows().advance(*watermark_);
      watermark_.reset();
      SLUICE_TRY(groups_.holds(sessions_.bytes()));
    }
    return groups_.give(out);
  }

 private:
  result<std::vector<std::shared_ptr<arrow::Array>>> keys_of(const batch& rows) const {
    const auto& what = groups_.what();
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (std::size_t key = 0; key + 2 < what.what.keys.size(); ++key) {
      SLUICE_ASSIGN(
          auto column,
          canonical_key(rows.data->GetColumnByName(what.columns.schema()->field(what.what.keys[key])->name())));
      keys.push_back(std::move(column));
    }
    return keys;
  }
  status keep(const batch& rows, std::vector<std::int32_t>& late, const std::vector<bool>& given = {}) {
    SLUICE_ASSIGN(const auto times, event_times::of(*rows.data, groups_.what().time));
    SLUICE_ASSIGN(const auto keys, keys_of(rows));
    return sessions_.add(rows, keys, times, groups_.windows().watermark(), late, given);
  }

  std::shared_ptr<arrow::Schema> input_;
  open_sessions sessions_;
  window_groups groups_;
  placed_rows places_;
  std::optional<std::int64_t> watermark_;  ///< that the windows do not know yet
};

}  // namespace

std::unique_ptr<transform> make_session_aggregate(const transform_request& request, std::unique_ptr<bound_windows> what,
                                                  const window_rule& rule) {
  return std::make_unique<session_aggregate>(request, std::move(what), rule);
}

}  // namespace sluice::windows
