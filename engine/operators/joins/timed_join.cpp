#include "engine/operators/joins/timed_join.hpp"

#include "engine/component/flush_time.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/shifts_time.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/joins/keyed_input.hpp"
#include "engine/operators/joins/pair_output.hpp"
#include "engine/operators/joins/timed_rows.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/operators/windows/held_in_time.hpp"
#include "engine/operators/windows/late_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>

namespace sluice::joins {

namespace {

constexpr std::size_t few_keys = 1024;          // below these it does not pay to forget keys
constexpr std::uint64_t many_rows = 32 * 1024;  // held rows beyond which calls take longer than an actor's turn
constexpr std::array<const char*, 2> side_names = {"left", "right"};

class timed_join final : public transform, public may_block, public shifts_time {
 public:
  timed_join(const transform_request& request, join_plan what, std::int64_t within)
      : what_(std::move(what)),
        policy_(request.policy),
        within_(within),
        times_{*request.inputs[0].time, *request.inputs[1].time},
        sides_{timed_rows(within), timed_rows(within)},
        output_(what_),
        memory_(request.context->memory, request.unit) {
    output_port joined{.name = "", .schema = what_.schema};
    // Right rows without a left one have no time.
    if (!what_.keeps_right() && what_.schema->GetFieldIndex(times_[0].column) >= 0) joined.time = times_[0];
    outputs_.push_back(std::move(joined));
    for (std::size_t side = 0; side < 2; ++side) {
      const auto* const name = side == 0 ? windows::late_port : late_right_port;
      const auto& read = request.read_ports;
      if (std::find(read.begin(), read.end(), name) == read.end()) continue;
      late_ports_[side] = static_cast<int>(outputs_.size());
      outputs_.push_back({.name = name, .schema = request.inputs[side].schema, .time = times_[side]});
    }
  }

  static constexpr auto late_right_port = "late_right";

  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] bool needs_watermarks() const override { return true; }
  [[nodiscard]] bool reads_time(int) const override { return true; }
  /// A pair comes with its later row, and the row of the left may have happened so much before it.
  [[nodiscard]] std::int64_t delay() const override { return within_; }
  [[nodiscard]] bool next_call_may_block() const override { return sides_[0].alive() + sides_[1].alive() > many_rows; }
  [[nodiscard]] partitioning input_partitioning(int input) const override { return partitioning_of(what_, input); }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    const auto side = static_cast<std::size_t>(input);
    if (late_ports_[side]) return std::nullopt;
    auto names = columns_needed(what_, input, wanted);
    const auto& time = times_[side].column;
    if (std::find(names.begin(), names.end(), time) == names.end()) names.push_back(time);
    return names;
  }

  /// Rows of the left that have had no match; of the right where they come out without one.
  [[nodiscard]] std::uint64_t held() const override {
    return sides_[0].unmatched() + (what_.keeps_right() ? sides_[1].unmatched() : 0);
  }

  /// The rows of both sides, with a column that says which have had a match; and the watermark.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    SLUICE_ASSIGN(auto mark, held::numbers("watermark", {watermark_}));
    parts.push_back(std::move(mark));
    for (std::size_t side = 0; side < 2; ++side) {
      const auto add = [&](const batch& rows, const auto& living, const auto& about) {
        return add_part(side, of, rows, living, about, parts);
      };
      SLUICE_TRY(sides_[side].each(add));
    }
    return parts;
  }

  status restore(const std::vector<state_part>& parts) override {
    held::quiet_emitter quiet;
    for (const auto& part : parts) {
      if (part.name == "watermark") {
        SLUICE_ASSIGN(const auto mark, held::numbers_of(part, 1));
        watermark_ = std::max(watermark_, mark[0]);
        continue;
      }
      const auto side = static_cast<std::size_t>(part.name == side_names[1]);
      if (part.name != side_names[side]) return held::foreign(part.name);
      SLUICE_ASSIGN(auto rows, held::rows_of(part));
      const int last = rows.data->num_columns() - 1;
      if (last < 0 || rows.data->column(last)->type_id() != arrow::Type::BOOL) return held::foreign(part.name);
      const auto matched = std::static_pointer_cast<arrow::BooleanArray>(rows.data->column(last));
      SLUICE_ASSIGN_ARROW(rows.data, rows.data->RemoveColumn(last), "take rows back");
      if (!rows.data->schema()->Equals(*what_.inputs[side])) return held::foreign(part.name);
      SLUICE_ASSIGN(auto taken, keyed(side, std::move(rows), quiet));
      for (std::size_t row = 0; row < taken.about.size(); ++row)
        taken.about[row].matched = matched->Value(static_cast<std::int64_t>(row));
      sides_[side].add(std::move(taken.rows), std::move(taken.about));
    }
    return reserve();
  }

  status process(int input, batch in, emitter& out) override {
    const auto side = static_cast<std::size_t>(input);
    SLUICE_ASSIGN(in, windows::with_times(std::move(in), times_[side], policy_, out));
    SLUICE_ASSIGN(in, without_late(side, std::move(in), out));
    if (in.rows() == 0) return {};
    SLUICE_ASSIGN(auto taken, keyed(side, std::move(in), out));
    if (taken.about.empty()) return {};
    if (side == 1 && !what_.keeps_right()) out.count_merged(taken.about.size());
    side_ = side;
    row_ = 0;
    place_.reset();
    rows_ = static_cast<std::int32_t>(taken.about.size());
    number_ = sides_[side].add(std::move(taken.rows), std::move(taken.about));
    return reserve();
  }

  status on_time(std::int64_t watermark, emitter&) override {
    // At a flush all is given and forgotten, and the next run goes on with the watermark as it was.
    if (watermark < flush_of_time) watermark_ = std::max(watermark_, watermark);
    const auto forget = [&](std::size_t side) {
      sides_[side].expire(watermark, [&](const timed_row& row, const timed_rows::facts& about) {
        if (!about.matched) due_[side].push_back(row);
      });
    };
    forget(0);
    forget(1);
    expired_ = true;
    return {};
  }

  // About a batch of pairs, or of rows without a match, a call.
  result<bool> resume(emitter& out) override {
    if (row_ < rows_) {
      SLUICE_TRY(give_pairs(out));
      return true;
    }
    for (std::size_t side = 0; side < 2; ++side)
      if (!due_[side].empty()) {
        SLUICE_TRY(give_unmatched(side, out));
        return true;
      }
    if (!std::exchange(expired_, false)) return false;
    for (auto& one : sides_) one.clear();
    SLUICE_TRY(forget_keys());
    SLUICE_TRY(reserve());
    return false;
  }

 private:
  struct taken_rows {
    batch rows;
    std::vector<timed_rows::facts> about;
  };

  // The living rows of a batch that are of a range of key groups.
  status add_part(std::size_t side, key_groups of, const batch& rows, const std::vector<std::int32_t>& living,
                  const std::vector<timed_rows::facts>& about, std::vector<state_part>& parts) {
    auto some = take_rows(rows, arrow::Int32Array(std::ssize(living), arrow::Buffer::Wrap(living)));
    SLUICE_ASSIGN(const auto keys, group_keys(side, some, of));
    SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, some.rows()));
    if (chosen.empty()) return {};
    arrow::BooleanBuilder matched;
    for (const auto row : living)
      SLUICE_TRY_ARROW(matched.Append(about[static_cast<std::size_t>(row)].matched), "hand out rows");
    SLUICE_ASSIGN_ARROW(auto flags, matched.Finish(), "hand out rows");
    SLUICE_ASSIGN_ARROW(some.data, some.data->AddColumn(some.data->num_columns(), "", flags), "hand out rows");
    const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
    SLUICE_ASSIGN(auto part, held::rows(side_names[side], take_rows(some, indices)));
    parts.push_back(std::move(part));
    return {};
  }

  // Rows with the number of their key, which is none where a part of it is null.
  result<taken_rows> keyed(std::size_t side, batch in, emitter& out) {
    SLUICE_ASSIGN(auto valued, with_key_values(what_, static_cast<int>(side), in, policy_, out));
    taken_rows made{.rows = std::move(valued.rows), .about = {}};
    const auto count = made.rows.rows();
    SLUICE_ASSIGN(const auto times, windows::event_times::of(*made.rows.data, times_[side]));
    SLUICE_TRY(make_index());
    const auto* const numbers = keys_->add(valued.keys, count);
    made.about.resize(static_cast<std::size_t>(count));
    for (std::int64_t row = 0; row < count; ++row) {
      const bool lacks =
          std::any_of(valued.keys.begin(), valued.keys.end(), [&](const auto& column) { return column->IsNull(row); });
      made.about[static_cast<std::size_t>(row)] = {.key = lacks ? timed_rows::none : numbers[row],
                                                   .time = times.at(row)};
    }
    return made;
  }

  status make_index() {
    if (keys_) return {};
    SLUICE_ASSIGN(keys_, group_index::make(key_types(what_)));
    return {};
  }

  // Values that say of which key group a row is; none needed where all groups are wanted.
  result<arrow::ArrayVector> group_keys(std::size_t side, const batch& rows, key_groups of) {
    if (of.all()) return arrow::ArrayVector();
    held::quiet_emitter quiet;
    SLUICE_ASSIGN(auto valued, with_key_values(what_, static_cast<int>(side), rows, policy_, quiet));
    return std::move(valued.keys);
  }

  result<batch> without_late(std::size_t side, batch in, emitter& out) {
    if (in.rows() == 0) return in;
    SLUICE_ASSIGN(const auto times, windows::event_times::of(*in.data, times_[side]));
    std::vector<std::int32_t> kept, late;
    for (std::int32_t row = 0; row < in.rows(); ++row) (times.at(row) < watermark_ ? late : kept).push_back(row);
    if (late.empty()) return in;
    windows::give_late(in, late, times_[side], late_ports_[side], watermark_,
                       "rows that it could match may be forgotten", out);
    return take_rows(in, arrow::Int32Array(std::ssize(kept), arrow::Buffer::Wrap(kept)));
  }

  // Pairs of the rows that came last with those of the other side.
  status give_pairs(emitter& out) {
    auto& mine = sides_[side_];
    auto& others = sides_[1 - side_];
    std::vector<timed_row> left, right;
    for (; row_ < rows_ && std::ssize(left) < target_batch_rows; ++row_, place_.reset()) {
      timed_row me{number_, row_};
      const auto about = mine.about(me);
      me.time = about.time;
      // One whose key has a null comes out when it is forgotten, like any other without a match.
      if (about.key == timed_rows::none) continue;
      const auto& of_key = others.of(about.key);
      if (!place_) place_ = others.first_match(about.key, about.time);
      auto& place = *place_;
      for (; place < of_key.size() && !others.is_behind(of_key[place], about.time); ++place) {
        if (std::ssize(left) >= target_batch_rows) break;
        if (!others.about(of_key[place]).alive) continue;
        left.push_back(side_ == 0 ? me : of_key[place]);
        right.push_back(side_ == 0 ? of_key[place] : me);
      }
      if (std::ssize(left) >= target_batch_rows) break;
    }
    SLUICE_TRY(output_.check(sides_, left, right, out));
    return give(left, right, out);
  }

  // What pairs that meet all conditions become.
  status give(const std::vector<timed_row>& left, const std::vector<timed_row>& right, emitter& out) {
    std::vector<timed_row> shown_left, shown_right;
    std::uint64_t added = 0, filtered = 0, merged = 0;
    for (std::size_t at = 0; at < left.size(); ++at) {
      const bool first = !sides_[0].about(left[at]).matched;
      sides_[0].match(left[at]);
      if (what_.keeps_right() && !sides_[1].about(right[at]).matched) ++merged;
      sides_[1].match(right[at]);
      if (what_.kind == join_kind::anti) filtered += first ? 1 : 0;
      if (what_.kind == join_kind::anti || (what_.kind == join_kind::semi && !first)) continue;
      added += first ? 0 : 1;
      shown_left.push_back(left[at]);
      if (what_.shows_right()) shown_right.push_back(right[at]);
    }
    if (added > 0) out.count_added(added);
    if (filtered > 0) out.count_filtered(filtered);
    if (merged > 0) out.count_merged(merged);
    return output_.give(sides_, shown_left, shown_right, out);
  }

  // Rows that are forgotten without a match.
  status give_unmatched(std::size_t side, emitter& out) {
    auto& due = due_[side];
    const auto count = std::min<std::size_t>(due.size(), target_batch_rows);
    std::vector<timed_row> some(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(count));
    due.erase(due.begin(), due.begin() + static_cast<std::ptrdiff_t>(count));
    if (side == 0 && !what_.keeps_left()) {
      out.count_filtered(count);
      return {};
    }
    if (side == 1 && !what_.keeps_right()) return {};
    return output_.give_alone(sides_[side], side, some, out);
  }

  // Where most keys have no row any more, the others are numbered anew.
  status forget_keys() {
    if (!keys_ || keys_->size() < few_keys + 2 * (sides_[0].alive() + sides_[1].alive())) return {};
    std::vector<bool> used(keys_->size());
    for (const auto& one : sides_) one.note_keys(used);
    std::vector<std::uint32_t> old, numbers(keys_->size(), timed_rows::none);
    for (std::uint32_t key = 0; key < used.size(); ++key)
      if (used[key]) old.push_back(key);
    SLUICE_ASSIGN(const auto values, keys_->keys(old));
    keys_.reset();
    SLUICE_TRY(make_index());
    const auto* const fresh = keys_->add(values, std::ssize(old));
    for (std::size_t at = 0; at < old.size(); ++at) numbers[old[at]] = fresh[at];
    for (auto& one : sides_) one.renumber(numbers, keys_->size());
    return {};
  }

  status reserve() {
    return windows::reserve_held(memory_, (keys_ ? keys_->bytes() : 0) + sides_[0].bytes() + sides_[1].bytes());
  }

  join_plan what_;
  on_error policy_;
  std::int64_t within_;
  std::array<event_time, 2> times_;
  std::vector<output_port> outputs_;
  std::array<std::optional<int>, 2> late_ports_;
  std::unique_ptr<group_index> keys_;  ///< of both sides
  std::array<timed_rows, 2> sides_;
  pair_output output_;
  memory::reservation memory_;
  std::int64_t watermark_ = std::numeric_limits<std::int64_t>::min();
  /// The batch whose pairs are being made: its side and number, its next row, and that row's next partner.
  std::size_t side_ = 0;
  std::uint64_t number_ = 0;
  std::int32_t row_ = 0, rows_ = 0;
  std::optional<std::size_t> place_;
  std::array<std::vector<timed_row>, 2> due_;  ///< forgotten without a match, not given yet
  bool expired_ = false;
};

}  // namespace

std::unique_ptr<transform> make_timed_join(const transform_request& request, join_plan what, std::int64_t within,
                                           diagnostics& faults) {
  const auto before = faults.size();
  for (std::size_t input = 0; input < 2; ++input)
    windows::require_time(request, input, "a join with within", "/join/within", faults);
  if (!what.conditions.empty() && request.policy != on_error::fail)
    faults.push_back(user_error("invalid_option",
                                "with within and a condition beside the keys a row can't be rejected: it may have had "
                                "other matches already",
                                "remove on_error from the join, or test the condition in a filter below it"));
  if (faults.size() > before) return make_stand_in(what.schema);
  return std::make_unique<timed_join>(request, std::move(what), within);
}

}  // namespace sluice::joins
