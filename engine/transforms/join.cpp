#include "engine/component/holds_back.hpp"
#include "engine/component/late_answers.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/component/wants_last.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/joins/joined_rows.hpp"
#include "engine/operators/joins/keyed_input.hpp"
#include "engine/operators/joins/spilled_join.hpp"
#include "engine/operators/joins/waiting_rows.hpp"
#include "engine/operators/keys/group_index.hpp"

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

class join final : public single_output, public wants_last, public may_block, public late_answers, public holds_back {
 public:
  join(const transform_request& request, join_plan what)
      : single_output(request, what.schema),
        context_(request.context),
        order_matters_(!what.keeps_right()),
        what_(std::move(what)),
        layout_(joins::key_types(what_)),
        matcher_(what_, request.policy),
        output_(what_),
        memory_(request.context->memory, request.unit),
        waiting_(layout_, static_cast<std::size_t>(what_.inputs[0]->num_fields())) {}

  [[nodiscard]] std::optional<std::string> needs_end(int input) const override {
    if (input == 1) return "exchange the inputs, so that the one without end is the first: from: [endless, bounded]";
    if (what_.keeps_right()) return "write how: left or inner: right rows without a match come when the left ends";
    return std::nullopt;
  }
  [[nodiscard]] std::uint64_t held() const override {
    std::uint64_t rows = 0;
    for (const auto& waiting : waiting_.held()) rows += static_cast<std::uint64_t>(waiting.rows.rows());
    if (build_ && what_.keeps_right()) rows += static_cast<std::uint64_t>(build_->rows());
    return rows;
  }
  [[nodiscard]] int last_input() const override { return 0; }
  // Rows of the right without a match come last.
  [[nodiscard]] bool keeps_order() const override { return !what_.keeps_right(); }

  [[nodiscard]] partitioning input_partitioning(int input) const override {
    partitioning how{.how = partitioning::kind::by_keys};
    if (what_.keys.empty()) how.how = partitioning::kind::single;
    for (const auto& key : what_.keys) {
      const auto column = (input == 0 ? key.left : key.right)->as_column();
      // Both inputs are spread, or none.
      if (!column || !(input == 0 ? key.right : key.left)->as_column()) return {.how = partitioning::kind::single};
      how.keys.push_back(what_.inputs[static_cast<std::size_t>(input)]->field(*column)->name());
      how.key_types.push_back(key.type);
    }
    return how;
  }

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    const auto& schema = what_.inputs[static_cast<std::size_t>(input)];
    const auto first = input == 0 ? 0 : what_.inputs[0]->num_fields();
    column_set columns(schema);
    for (const auto& key : what_.keys) columns.add((input == 0 ? key.left : key.right)->columns());
    for (const auto& condition : what_.conditions)
      for (const int column : condition->columns())
        if (column >= first && column < first + schema->num_fields()) columns.add(column - first);
    for (const auto& name : wanted) {
      const auto shown = what_.schema->GetFieldIndex(name);
      if (shown < 0) continue;
      const auto& from = what_.columns[static_cast<std::size_t>(shown)];
      if (const int column = input == 0 ? from.left : from.right; column >= 0) columns.add(column);
    }
    return columns.names();
  }

  // Spilling blocks; it begins when memory runs short.
  [[nodiscard]] bool next_call_may_block() const override {
    return file_ != nullptr || context_->memory->reserved() > context_->memory->limit() / 2;
  }
  void release_order() override { order_matters_ = false; }
  [[nodiscard]] bool answers_late() const override { return parts_ != nullptr; }
  [[nodiscard]] bool holds_rows() const override {
    return parts_ != nullptr || matching_ || waiting_.holds_rows() || waiting_.spilled();
  }

  /// Rows of the right that were read, and those of the left that wait for the others; each part is a batch with its
  /// keys. Rows of the right that came are there whether their input has ended or not: it ends again.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (parts_ || spilled_ || runs_ || waiting_.spilled()) return held::spilled("join");
    if (build_ && build_->any_marked())
      return external_error("not_supported",
                            "a right or full join can't hand over its state once left rows have been matched",
                            "take the state before left rows are matched");
    if (left_ended_ && right_ended_) return parts;
    const auto add = [&](const char* name, int input, const keyed_rows& rows) -> status {
      SLUICE_ASSIGN(const auto chosen, rows_in(of, input, rows));
      if (chosen.empty()) return {};
      SLUICE_ASSIGN(const auto whole, joins::with_key_columns(layout_, rows));
      // The column of keys lies over the memory of `rows`: what is handed out is a copy.
      const arrow::Int32Array indices(std::ssize(chosen), arrow::Buffer::Wrap(chosen));
      SLUICE_ASSIGN(auto part, held::rows(name, take_rows(whole, indices)));
      parts.push_back(std::move(part));
      return {};
    };
    if (build_)
      for (const auto* rows : build_->held()) SLUICE_TRY(add("right", 1, *rows));
    for (const auto& rows : waiting_.held()) SLUICE_TRY(add("left", 0, rows));
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      const bool right = part.name == "right";
      if (!right && part.name != "left") return held::foreign(part.name);
      SLUICE_ASSIGN(auto whole, held::rows_of(part));
      const auto columns = right ? what_.kept.size() : static_cast<std::size_t>(what_.inputs[0]->num_fields());
      SLUICE_ASSIGN(auto rows, joins::without_key_columns(layout_, std::move(whole), columns));
      if (right) {
        right_rows_ += rows.rows.rows();
        SLUICE_TRY(build().add(std::move(rows)));
      } else {
        waiting_.add(std::move(rows));
      }
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
    if (order_matters_) {
      runs_ = std::make_unique<joins::ordered_runs>(*file_);
      output_.collect_in(*runs_);
    }
    return reserve();
  }

  // --- the left passes by

  // Makes the next batch of the left the present one; false where none has come.
  result<bool> next_left() {
    SLUICE_ASSIGN(auto waiting, waiting_.take(file_.get()));
    if (!waiting) return false;
    auto next = *std::move(waiting);
    if (runs_) number(next);
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
    if (!parts_) return false;
    if (build_) {
      SLUICE_TRY(output_.end_pass());
      build_.reset();
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
  std::uint64_t next_number_ = 0;  ///< of the left's rows
  keyed_rows left_;                ///< the batch that is being matched
  bool matching_ = false;
  std::vector<joins::left_state> states_;  ///< of the rows of left_
  std::size_t next_block_ = 0;             ///< whose rows without a match come out next
};

constexpr const char* description =
    "`from: [left, right]`. The right input is read completely first, then the left input is streamed: put the smaller "
    "input on the right. `using` names key columns that both inputs have; the output has them once. `on` is a "
    "condition over both inputs. Its equalities between the two inputs, combined with `and`, are the keys; any further "
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
    "All kinds except `right` and `full` keep the order of the left input. Other than the `using` columns, no column "
    "may have the same name on both sides, except with `semi` and `anti`. If the condition fails for a pair (for "
    "example, division by zero), that is an error of the left row.";

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
  return {
      .form = shape::object,
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
                   {.name = "on", .form = shape::expression, .help = "\"left.a = right.b and left.c <> right.c\""}}};
}

/// The columns of a join that has a fault, as far as they are known: those of the left, and of the right those with
/// other names.
std::shared_ptr<arrow::Schema> columns_in_spite(const transform_request& request) {
  auto fields = request.inputs[0].schema->fields();
  for (const auto& field : request.inputs[1].schema->fields())
    if (request.inputs[0].schema->GetFieldIndex(field->name()) < 0) fields.push_back(field);
  return arrow::schema(std::move(fields));
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "join", 2, faults)) return nullptr;
  const auto before = faults.size();
  auto what = joins::bind_join(request, faults);
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(columns_in_spite(request));
  return std::make_unique<join>(request, std::move(what));
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
