#include "engine/component/holds_back.hpp"
#include "engine/component/late_answers.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/refreshes.hpp"
#include "engine/component/shifts_time.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/component/wants_last.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/held_place.hpp"
#include "engine/operators/joins/joined_rows.hpp"
#include "engine/operators/joins/keyed_input.hpp"
#include "engine/operators/joins/spilled_join.hpp"
#include "engine/operators/joins/timed_join.hpp"
#include "engine/operators/joins/waiting_rows.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/values/quantities.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>

namespace sluice {

namespace {

using joins::build_side;
using joins::join_plan;
using joins::keyed_rows;

class join final : public single_output,
                   public wants_last,
                   public may_block,
                   public late_answers,
                   public holds_back,
                   public shifts_time,
                   public refreshes,
                   public spilled_state {
 public:
  join(const transform_request& request, join_plan what, std::optional<std::int64_t> refresh)
      : single_output(request, what.schema),
        context_(request.context),
        order_matters_(!what.keeps_right()),
        refresh_(refresh),
        what_(std::move(what)),
        layout_(joins::key_types(what_)),
        matcher_(what_, request.policy),
        output_(what_),
        memory_(request.context->memory, request.unit),
        waiting_(layout_, static_cast<std::size_t>(what_.inputs[0]->num_fields())) {}

  [[nodiscard]] std::optional<std::string> needs_end(int input) const override {
    if (input == 1)
      return "exchange the inputs, so that the one without end is the first: from: [endless, bounded]; or, if both "
             "have "
             "no end, say how far apart in time rows may be: join: { within: 10m }";
    if (what_.keeps_right()) return "write how: left or inner: right rows without a match come when the left ends";
    return std::nullopt;
  }
  /// Rows of the left that have not been matched, output that waits for its place, and, where they come out without a
  /// match, rows of the right.
  [[nodiscard]] std::uint64_t held() const override {
    if (left_ended_ && right_ended_) return 0;
    auto rows = waiting_.rows() + (runs_ ? runs_->rows() : 0) + (parts_ ? parts_->rows(joins::partitions::left) : 0);
    if (build_ && what_.keeps_right()) rows += static_cast<std::uint64_t>(build_->rows());
    if (parts_ && what_.keeps_right()) rows += parts_->rows(joins::partitions::right);
    return rows;
  }
  [[nodiscard]] int last_input() const override { return 0; }
  [[nodiscard]] std::optional<std::int64_t> refresh() const override { return refresh_; }
  [[nodiscard]] int refreshed_input() const override { return 1; }
  void forget(std::vector<state_part>& parts) const override {
    std::erase_if(parts, [](const auto& part) { return part.name == "right"; });
  }
  // The right is read to its end before anything comes out.
  [[nodiscard]] bool reads_time(int input) const override { return input == 0; }
  [[nodiscard]] std::int64_t delay() const override { return 0; }
  // Rows of the right without a match come last.
  [[nodiscard]] bool keeps_order() const override { return !what_.keeps_right(); }

  [[nodiscard]] partitioning input_partitioning(int input) const override {
    return joins::partitioning_of(what_, input);
  }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    return joins::columns_needed(what_, input, wanted);
  }

  // Spilling blocks; it begins when memory runs short.
  [[nodiscard]] bool next_call_may_block() const override {
    return file_ != nullptr || context_->memory->reserved() > context_->memory->limit() / 2;
  }
  void release_order() override { order_matters_ = false; }
  [[nodiscard]] bool answers_late() const override { return parts_ != nullptr || runs_ != nullptr; }
  [[nodiscard]] bool holds_rows() const override {
    return answers_late() || matching_ || waiting_.holds_rows() || waiting_.spilled();
  }

  /// Rows of the right that were read, in a right or full join with a number that says which have had a match, and
  /// those of the left that wait for the others; each part is a batch with its keys. Rows of the right that came are
  /// there whether their input has ended or not: it ends again.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if ((left_ended_ && right_ended_) || has_spilled()) return parts;
    const auto take = [&](const state_part& part) -> status {
      parts.push_back(part);
      return {};
    };
    SLUICE_TRY(hand_out(of, take));
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) SLUICE_TRY(take_in(part));
    return {};
  }

  [[nodiscard]] bool has_spilled() const override {
    return !(left_ended_ && right_ended_) && (parts_ || runs_ || waiting_.spilled());
  }
  // All that is held, whether it is on disk or not. Rows of the left in spilled partitions have met none of the right
  // yet: they wait like those that have not been looked at.
  status hand_out(key_groups of, const part_taker& take) override {
    const auto left_columns = static_cast<std::size_t>(what_.inputs[0]->num_fields());
    const auto add_right = [&](const keyed_rows& rows) { return hand_out_rows("right", 1, of, rows, take); };
    const auto add_left = [&](const keyed_rows& rows) { return hand_out_rows("left", 0, of, rows, take); };
    if (build_) SLUICE_TRY(build_->each(add_right));
    if (runs_) SLUICE_TRY(hand_out_runs(of, take));
    if (parts_) {
      SLUICE_TRY(parts_->each(joins::partitions::right, what_.kept.size(), add_right));
      SLUICE_TRY(parts_->each(joins::partitions::left, left_columns, add_left));
    }
    return waiting_.each(file_.get(), add_left);
  }
  status take_in(const state_part& part) override {
    if (part.name == "place") {
      SLUICE_ASSIGN(place_, held::place_of(part));
      return {};
    }
    if (part.name == "runs" || part.name == "places" || part.name == "run") return take_in_runs(part);
    const bool right = part.name == "right";
    if (!right && part.name != "left") return held::foreign(part.name);
    SLUICE_ASSIGN(auto whole, held::rows_of(part));
    const auto columns = right ? what_.kept.size() : static_cast<std::size_t>(what_.inputs[0]->num_fields());
    SLUICE_ASSIGN(auto rows, joins::without_key_columns(layout_, std::move(whole), columns));
    if (right) {
      right_rows_ += rows.rows.rows();
      SLUICE_TRY(parts_ ? parts_->add(joins::partitions::right, rows) : build().add(std::move(rows)));
    } else {
      rows.rows.order = place_;
      waiting_.add(std::move(rows));
    }
    return reserve();
  }

  status process(int input, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    SLUICE_ASSIGN(auto keyed, joins::with_keys(what_, layout_, input, in, policy_, out));
    if (input == 1) {
      SLUICE_TRY(add_right(std::move(keyed), out));
    } else if (keyed.rows.rows() > 0) {
      waiting_.add(std::move(keyed));
    }
    return reserve();
  }

  status finish(int input, emitter&) override {
    (input == 0 ? left_ended_ : right_ended_) = true;
    return input == 0 ? status{} : end_right();
  }

  // One piece of work a call: a step of preparing the build side, or about a batch of output.
  result<bool> resume(emitter& out) override {
    if (!right_ended_) return false;
    if (!prepared_) {
      SLUICE_ASSIGN(const bool more, build_->prepare());
      prepared_ = !more;
      if (prepared_) output_.begin_pass();
      return true;
    }
    if (matching_) {
      SLUICE_TRY(match(out));
      return true;
    }
    SLUICE_ASSIGN(const bool any, next_left());
    if (any) return true;
    return left_ended_ ? finish_up(out) : false;
  }

 private:
  // --- what is handed out and taken back

  status hand_out_rows(const char* name, int input, key_groups of, const keyed_rows& rows,
                       const part_taker& take) const {
    SLUICE_ASSIGN(const auto chosen, rows_in(of, input, rows));
    if (chosen.empty()) return {};
    if (input == 0) {
      SLUICE_ASSIGN(const auto place, held::place("place", rows.rows.order));
      SLUICE_TRY(take(place));
    }
    SLUICE_ASSIGN(const auto whole, joins::with_key_columns(layout_, rows));
    // The column of keys lies over the memory of `rows`: what is handed out is a copy.
    const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
    SLUICE_ASSIGN(const auto part, held::rows(name, take_rows(whole, indices)));
    return take(part);
  }

  // Output that waits for its place in the left's order.
  status hand_out_runs(key_groups of, const part_taker& take) const {
    if (!of.all())
      return external_error("not_supported", "the state of a join that puts its output in order can't be divided",
                            "take all of it");
    SLUICE_ASSIGN(const auto numbers, held::numbers("runs", {static_cast<std::int64_t>(next_number_)}));
    SLUICE_TRY(take(numbers));
    SLUICE_TRY(take({"places", runs_->places().data}));
    return runs_->each([&](const batch& rows) -> status {
      SLUICE_ASSIGN(const auto part, held::rows("run", rows));
      return take(part);
    });
  }
  status take_in_runs(const state_part& part) {
    if (!runs_) begin_runs();
    if (part.name == "runs") {
      SLUICE_ASSIGN(const auto numbers, held::numbers_of(part, 1));
      next_number_ = std::max(next_number_, static_cast<std::uint64_t>(numbers[0]));
      return {};
    }
    if (part.name == "places") return runs_->take_places(*part.rows);
    SLUICE_ASSIGN(const auto rows, held::rows_of(part));
    return runs_->take_rows(rows);
  }
  void begin_runs() {
    if (!file_) file_ = std::make_unique<memory::spill_file>(*context_, unit_);
    runs_ = std::make_unique<joins::ordered_runs>(*file_);
    output_.collect_in(*runs_);
  }

  // Which rows are of a range of key groups.
  result<std::vector<std::int32_t>> rows_in(key_groups of, int input, const keyed_rows& rows) const {
    arrow::ArrayVector keys;
    for (const auto& key : what_.keys) {
      if (of.all()) break;
      auto column = (input == 0 ? key.left : key.right)->as_column();
      if (column && input == 1) {
        const auto kept = std::find(what_.kept.begin(), what_.kept.end(), *column);
        column = kept == what_.kept.end() ? std::optional<int>() : std::optional<int>(kept - what_.kept.begin());
      }
      if (!column)
        return external_error("not_supported", "the state of a join whose keys are computed can't be divided",
                              "take all of it");
      SLUICE_ASSIGN_ARROW(auto values, arrow::compute::Cast(*rows.rows.data->column(*column), key.type),
                          "find the group of a key");
      SLUICE_ASSIGN(auto canonical, canonical_key(std::move(values)));
      keys.push_back(std::move(canonical));
    }
    return held::in_groups(of, keys, rows.rows.rows());
  }

  // --- the right comes in

  status add_right(keyed_rows keyed, emitter& out) {
    SLUICE_ASSIGN(auto rows, joins::split_right(what_, std::move(keyed)));
    const auto lacking = rows.without_key.data ? rows.without_key.rows() : 0;
    if (!what_.keeps_right()) {
      out.count_merged(static_cast<std::uint64_t>(rows.whole.rows.rows() + lacking));
    } else if (lacking > 0) {
      SLUICE_ASSIGN(auto made, joins::unmatched_rows(what_, rows.without_key));
      out.emit(0, std::move(made));
    }
    right_rows_ += rows.whole.rows.rows();
    if (rows.whole.rows.rows() == 0) return {};
    if (parts_) return parts_->add(joins::partitions::right, rows.whole);
    return build().add(std::move(rows.whole));
  }

  build_side& build() {
    if (!build_) build_ = std::make_unique<build_side>(what_, layout_);
    return *build_;
  }

  // What is held in memory is indexed; where it has no room with its index, more of it is spilled.
  status end_right() {
    build();
    SLUICE_TRY(reserve());
    if (!parts_) return {};
    while (!memory_.try_resize(used() + parts_->index_bytes())) {
      SLUICE_ASSIGN(const bool spilled, parts_->spill_one());
      if (!spilled) break;
    }
    SLUICE_TRY(parts_->flush());
    for (auto& rows : parts_->release_held()) SLUICE_TRY(build_->add(std::move(rows)));
    if (order_matters_ && !runs_) begin_runs();
    return reserve();
  }

  // --- the left passes by

  // Makes the next batch of the left the present one; false where none has come.
  result<bool> next_left() {
    SLUICE_ASSIGN(auto waiting, waiting_.take(file_.get()));
    if (!waiting) return false;
    auto next = *std::move(waiting);
    if (runs_) SLUICE_TRY(place_in_run(next));
    if (parts_) {
      SLUICE_ASSIGN(next, parts_->add_spilled(std::move(next)));
    }
    SLUICE_TRY(reserve());
    if (next.rows.rows() == 0) return true;
    left_ = std::move(next);
    states_.assign(static_cast<std::size_t>(left_.keys.rows), joins::left_state::unmatched);
    matcher_.begin(left_, *build_, states_, true);
    matching_ = true;
    return true;
  }

  // A run ascends: each batch that was taken back begins one, and so does the first behind them.
  status place_in_run(keyed_rows& next) {
    const bool taken_back = next.numbers != nullptr;
    if (taken_back || in_taken_back_) {
      SLUICE_TRY(output_.end_pass());
      output_.begin_pass();
    }
    in_taken_back_ = taken_back;
    if (!taken_back) number(next);
    return {};
  }

  void number(keyed_rows& rows) {
    runs_->note_place(next_number_, rows.rows.order);
    const auto count = rows.rows.rows();
    auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(count * 8).ValueOrDie());
    auto* numbers = reinterpret_cast<std::uint64_t*>(buffer->mutable_data());
    for (std::int64_t row = 0; row < count; ++row) numbers[row] = next_number_++;
    rows.numbers = std::make_shared<arrow::UInt64Array>(count, std::move(buffer));
  }

  status match(emitter& out) {
    SLUICE_ASSIGN(matching_, matcher_.next(out));
    SLUICE_TRY(output_.give(left_, *build_, matcher_, out));
    if (!matching_) left_ = {};
    return {};
  }

  // --- both have ended

  // Rows of the right without a match, then what was spilled, then the runs that restore the left's order.
  result<bool> finish_up(emitter& out) {
    if (build_ && what_.keeps_right() && next_block_ < build_->blocks()) {
      SLUICE_TRY(output_.give_unmatched(*build_, next_block_++, out));
      return true;
    }
    if (!parts_ && !runs_) return false;
    if (build_) {
      SLUICE_TRY(output_.end_pass());
      build_.reset();
      if (!parts_) return true;
      SLUICE_TRY(parts_->flush());
      spilled_ = std::make_unique<joins::spilled_join>(what_, layout_, *file_, matcher_, output_, memory_);
      spilled_->add(*parts_, 0, right_rows_);
      return true;
    }
    if (spilled_) {
      SLUICE_ASSIGN(const bool more, spilled_->step(out));
      if (!more) spilled_.reset();
      return true;
    }
    if (!runs_) return false;
    SLUICE_ASSIGN(const bool more, runs_->merge(out));
    memory_.take(runs_->bytes());
    if (!more) runs_.reset();
    return more;
  }

  // --- memory

  [[nodiscard]] std::int64_t used() const {
    return waiting_.bytes() + (parts_ ? parts_->bytes() : 0) +
           (build_ ? (right_ended_ && !prepared_ ? build_->bytes_prepared() : build_->bytes()) : 0);
  }

  status reserve() {
    while (!memory_.try_resize(used())) {
      SLUICE_ASSIGN(const bool relieved, relieve());
      if (relieved) continue;
      memory_.take(used());
      break;
    }
    return {};
  }

  // Spills something; false where nothing is left that can be.
  result<bool> relieve() {
    if (!file_) file_ = std::make_unique<memory::spill_file>(*context_, unit_);
    const auto build_bytes = build_ ? build_->bytes() : 0;
    if (waiting_.bytes() > build_bytes + (parts_ ? parts_->bytes() : 0)) {
      SLUICE_TRY(waiting_.spill(*file_));
      return true;
    }
    if (!parts_ && build_ && build_->rows() > 0 && !build_->begun()) {
      parts_ = std::make_unique<joins::partitions>(layout_, *file_, 0);
      for (auto& rows : build_->release()) {
        const auto moved = std::move(rows);
        SLUICE_TRY(parts_->add(joins::partitions::right, moved));
      }
      memory::return_freed_memory();
      return true;
    }
    if (parts_) {
      SLUICE_ASSIGN(bool done, prepared_ ? false : parts_->spill_one());
      if (!done) {
        SLUICE_ASSIGN(done, parts_->relieve());
      }
      if (done) {
        memory::return_freed_memory();
        return true;
      }
    }
    if (!waiting_.holds_rows()) return false;
    SLUICE_TRY(waiting_.spill(*file_));
    return true;
  }

  const run_context* context_;
  bool order_matters_;
  std::optional<std::int64_t> refresh_;
  join_plan what_;
  joins::key_layout layout_;
  joins::matcher matcher_;
  joins::joined_output output_;
  memory::reservation memory_;
  std::unique_ptr<memory::spill_file> file_;  ///< once memory was short
  std::unique_ptr<build_side> build_;
  std::unique_ptr<joins::partitions> parts_;  ///< once the right did not fit
  std::unique_ptr<joins::spilled_join> spilled_;
  std::unique_ptr<joins::ordered_runs> runs_;  ///< where the left's order is restored
  std::int64_t right_rows_ = 0;                ///< with a whole key
  bool left_ended_ = false, right_ended_ = false;
  bool prepared_ = false;
  joins::waiting_rows waiting_;    ///< of the left
  order_key place_;                ///< of the next rows of the left that are taken back
  bool in_taken_back_ = false;     ///< the last batch of the left was one that had been numbered before
  std::uint64_t next_number_ = 0;  ///< of the left's rows
  keyed_rows left_;                ///< the batch that is being matched
  bool matching_ = false;
  std::vector<joins::left_state> states_;  ///< of the rows of left_
  std::size_t next_block_ = 0;             ///< whose rows without a match come out next
};

constexpr const char* description =
    "`from: [left, right]`. The right input is read completely first, then the left input is streamed: put the smaller "
    "input on the right. `using` names key columns that both inputs have; the output has them once. `on` is a "
    "condition over both inputs (`where` is another name for it). Its equalities between the two inputs, combined with "
    "`and`, are the keys; any further "
    "condition (`and a.x <> b.x`) is tested for each pair of rows with equal keys. Without an equality every pair of "
    "rows is tested. Keys of different types are compared in their common type.\n\n"
    "| `how` | output | filtered | merged | added |\n"
    "|---|---|---|---|---|\n"
    "| `inner` | a row for each matching pair | left rows without a match | all right rows | matches of a left row "
    "beyond its first |\n"
    "| `left` | as `inner`, and left rows without a match, with nulls | none | all right rows | as `inner` |\n"
    "| `right` | as `inner`, and right rows without a match, with nulls | left rows without a match | right rows with "
    "a match | as `inner` |\n"
    "| `full` | as `inner`, and left and right rows without a match, with nulls | none | right rows with a match | as "
    "`inner` |\n"
    "| `semi` | left rows with a match, once each; only the left columns | left rows without a match | all right rows "
    "| none |\n"
    "| `anti` | left rows without a match; only the left columns | left rows with a match | all right rows | none |\n"
    "| `cross` | each left row with each right row; without `using` and `on` | left rows, if the right input is empty "
    "| all right rows | as `inner` |\n\n"
    "A null key matches nothing, not even another null. So `anti` keeps left rows with a null key, and null keys on "
    "the right don't change its result; this is SQL's `not exists`, not its `not in`. A condition that is null counts "
    "as false. With `right` and `full`, a `using` column has the value of whichever side has the row.\n\n"
    "All kinds except `right` and `full` keep the order of the left input. Other than the key columns, no column "
    "may have the same name on both sides, except with `semi` and `anti`; a key column of the right whose name the "
    "left has for another column (`orders.customer = customers.id`) is left out. If the condition fails for a pair "
    "(for "
    "example, division by zero), that is an error of the left row.\n\n"
    "Below a source without end the left input may be endless; the right one is read at the start, and with "
    "`refresh: 10m` again every ten minutes: the run takes a checkpoint and continues after it with what is there "
    "then. Two inputs without end need `within: 10m`: rows with equal keys match if their event times are at most ten "
    "minutes apart, and rows are forgotten when the watermark has passed them by as much. Rows without a match come "
    "then, too. Rows older than the watermark go to the ports `late` (of the left) and `late_right`, or to the rejects "
    "(late_row) if nothing reads these. See docs/event-time.md.";

constexpr const char* example = R"yaml(version: 1
pipeline: named-flights
rejects: { allow: 10 }
extract:
  flights:
    csv: { path: examples/data/flights_2013_01.csv, null_values: ["", NA] }
    columns: [carrier, flight, dest]
    types: { carrier: text, flight: integer, dest: text }
  airlines:
    csv: { path: examples/data/airlines.csv }
transform:
  named:
    from: [flights, airlines]
    join: { how: left, using: [carrier] }
  first:
    from: named
    limit: 5
load:
  show:
    from: first
    stdout: {}
)yaml";

field_spec value_spec() {
  return {.form = shape::object,
          .help = "the kind of join and its keys",
          .required = true,
          .elements = {{.name = "how",
                        .form = shape::text,
                        .help = "which rows to output",
                        .default_value = "inner",
                        .choices = {"inner", "left", "right", "full", "semi", "anti", "cross"}},
                       {.name = "using",
                        .form = shape::list,
                        .help = "key columns with the same name in both inputs",
                        .elements = {{.form = shape::column, .help = "a key column"}}},
                       {.name = "on", .form = shape::expression, .help = "\"left.a = right.b and left.c <> right.c\""},
                       {.name = "where", .form = shape::expression, .help = "another name for `on`"},
                       {.name = "within",
                        .form = shape::duration,
                        .help = "how far apart in event time matching rows may be; for two inputs without end"},
                       {.name = "refresh",
                        .form = shape::duration,
                        .help = "how often the right input is read again while the left one has no end"}}};
}

/// The columns of a join that has a fault, as far as they are known: those of the left, and of the right those with
/// other names.
std::shared_ptr<arrow::Schema> columns_in_spite(const transform_request& request) {
  auto fields = request.inputs[0].schema->fields();
  for (const auto& field : request.inputs[1].schema->fields())
    if (request.inputs[0].schema->GetFieldIndex(field->name()) < 0) fields.push_back(field);
  return arrow::schema(std::move(fields));
}

/// A duration among the options, if it is given.
std::optional<std::int64_t> read_time(const transform_request& request, const char* name, diagnostics& faults) {
  if (!request.own.contains(name) || request.own[name].is_null()) return {};
  const auto parsed = parse_duration(request.own[name].get<std::string>());
  auto fault = parsed.ok() ? user_error("invalid_option", std::string(name) + " must be longer than 0s",
                                        std::string(name) + ": 10m")
                           : parsed.problem();
  if (parsed.ok() && *parsed > 0) return *parsed;
  fault.path = std::string("/join/") + name;
  faults.push_back(std::move(fault));
  return {};
}

/// What can't stand beside `within`.
void check_within(const transform_request& request, const join_plan& what, bool refreshes, diagnostics& faults) {
  const auto refuse = [&](const std::string& message, const std::string& hint) {
    auto fault = user_error("invalid_option", message, hint);
    fault.path = "/join/within";
    faults.push_back(std::move(fault));
  };
  if (refreshes)
    refuse("within and refresh can't be used together: with within no input is read to its end first", "remove one");
  if (what.keys.empty() && faults.empty())
    refuse("a join with within needs an equality between its inputs",
           "add a key: using: [id], or on: \"" + request.inputs[0].unit + ".id = " + request.inputs[1].unit + ".id\"");
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "join", 2, faults)) return nullptr;
  const auto before = faults.size();
  const auto within = read_time(request, "within", faults);
  const auto refresh = read_time(request, "refresh", faults);
  auto what = joins::bind_join(request, faults);
  if (within && !has_unknown_columns(request)) check_within(request, what, refresh.has_value(), faults);
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(columns_in_spite(request));
  if (within) return joins::make_timed_join(request, std::move(what), *within, faults);
  return std::make_unique<join>(request, std::move(what), refresh);
}

}  // namespace

const component& join_transform() {
  static const component self{.spec = {.name = "join",
                                       .kind = component_kind::transform,
                                       .summary = "Joins two inputs on keys or a condition",
                                       .description = description,
                                       .value = value_spec(),
                                       .law = "in + added = out + filtered + merged + rejected (see the table)",
                                       .example = example},
                              .make_transform = make};
  return self;
}

}  // namespace sluice
