#include "engine/memory/manager.hpp"
#include "engine/transforms/joins/joined_rows.hpp"
#include "engine/transforms/joins/keyed_input.hpp"
#include "engine/transforms/joins/matcher.hpp"
#include "engine/wants_last.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <deque>

namespace sluice {

namespace {

using joins::build_side;
using joins::join_plan;
using joins::keyed_rows;

class join final : public single_output, public wants_last {
 public:
  join(const transform_request& request, join_plan what)
      : single_output(request, what.schema),
        what_(std::move(what)),
        layout_(joins::key_types(what_)),
        matcher_(what_, request.policy, request.unit),
        memory_(request.context->memory, request.unit) {}

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

  status process(int input, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    SLUICE_ASSIGN(auto keyed, joins::with_keys(what_, layout_, input, in, policy_, unit_, out));
    if (input == 1) {
      SLUICE_TRY(add_right(std::move(keyed), out));
    } else if (keyed.rows.rows() > 0) {
      waiting_bytes_ += keyed.rows.bytes();
      waiting_.push_back(std::move(keyed));
    }
    return reserve();
  }

  status finish(int input, emitter&) override {
    (input == 0 ? left_ended_ : right_ended_) = true;
    make_build();
    return {};
  }

  // One piece of work a call: a step of preparing the build side, or about a batch of output.
  result<bool> resume(emitter& out) override {
    if (!right_ended_) return false;
    if (!prepared_) {
      SLUICE_ASSIGN(const bool more, build_->prepare());
      prepared_ = !more;
      SLUICE_TRY(reserve());
      return true;
    }
    if (!waiting_.empty()) {
      SLUICE_TRY(match(out));
      return true;
    }
    if (!left_ended_ || !what_.keeps_right() || next_block_ == build_->blocks()) return false;
    SLUICE_TRY(emit_unmatched(next_block_++, out));
    return true;
  }

 private:
  void make_build() {
    if (!build_) build_ = std::make_unique<build_side>(what_, layout_);
  }

  status add_right(keyed_rows keyed, emitter& out) {
    make_build();
    SLUICE_ASSIGN(auto rows, joins::split_right(what_, std::move(keyed)));
    const auto lacking = rows.without_key.data ? rows.without_key.rows() : 0;
    if (!what_.keeps_right()) {
      out.count_merged(static_cast<std::uint64_t>(rows.whole.rows.rows() + lacking));
    } else if (lacking > 0) {
      SLUICE_ASSIGN(auto made, joins::unmatched_rows(what_, rows.without_key));
      out.emit(0, std::move(made));
    }
    return build_->add(std::move(rows.whole));
  }

  status match(emitter& out) {
    auto& left = waiting_.front();
    if (!matching_) {
      states_.assign(static_cast<std::size_t>(left.keys.rows), joins::left_state::unmatched);
      matcher_.begin(left, *build_, states_, true);
    }
    SLUICE_ASSIGN(matching_, matcher_.next(out));
    SLUICE_ASSIGN(auto made,
                  joins::joined_rows(what_, left.rows, *build_, matcher_.left_rows(), matcher_.right_rows()));
    for (auto& part : made) out.emit(0, std::move(part));
    if (matching_) return {};
    waiting_bytes_ -= left.rows.bytes();
    waiting_.pop_front();
    return reserve();
  }

  status emit_unmatched(std::size_t block, emitter& out) {
    const auto rows = build_->unmarked(block);
    out.count_merged(static_cast<std::uint64_t>(build_->rows_of(block)) - rows.size());
    SLUICE_ASSIGN(auto made, joins::unmatched_rows(what_, *build_, rows));
    for (auto& part : made) out.emit(0, std::move(part));
    return {};
  }

  status reserve() { return memory_.resize(waiting_bytes_ + (build_ ? build_->bytes() : 0)); }

  join_plan what_;
  joins::key_layout layout_;
  joins::matcher matcher_;
  memory::reservation memory_;
  std::unique_ptr<build_side> build_;
  bool left_ended_ = false, right_ended_ = false;
  bool prepared_ = false;
  std::deque<keyed_rows> waiting_;  ///< of the left, in the order of arrival
  std::int64_t waiting_bytes_ = 0;
  std::vector<joins::left_state> states_;  ///< of the rows of waiting_.front()
  bool matching_ = false;                  ///< it is half done
  std::size_t next_block_ = 0;             ///< whose rows without a match come out next
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "join", 2, faults)) return nullptr;
  const auto before = faults.size();
  auto what = joins::bind_join(request, faults);
  if (faults.size() > before) return nullptr;
  return std::make_unique<join>(request, std::move(what));
}

}  // namespace

const component& join_transform() {
  static const component self{
      .spec = {.name = "join",
               .kind = component_kind::transform,
               .summary = "Brings two inputs together where their keys are equal.",
               .description =
                   "`from: [left, right]`. The right input is read whole first, then the left one streams past it: put "
                   "the smaller one "
                   "right. `using` names key columns that both have, and the output has them once. `on` is a condition "
                   "over both "
                   "inputs: its equalities between the two, put together by `and`, are the keys; whatever else it says "
                   "(`and a.x <> b.x`) is asked of each pair of rows with equal keys. Without any equality every pair "
                   "is looked at. "
                   "Keys of different types are compared in their common type.\n\n"
                   "| `how` | what comes out |\n|---|---|\n"
                   "| `inner` | a row for each pair that matches |\n"
                   "| `left` | the same, and rows of the left without a match, with nulls |\n"
                   "| `right` | the same, and rows of the right without a match, with nulls |\n"
                   "| `full` | the same, and rows of both without a match |\n"
                   "| `semi` | rows of the left that have a match, once each, with the left's columns only |\n"
                   "| `anti` | rows of the left that have no match, with the left's columns only |\n"
                   "| `cross` | every row of the left with every row of the right; takes no `using` or `on` |\n\n"
                   "Null equals nothing, not even null: a row with a null in its key has no match. So `anti` keeps the "
                   "left's rows with a "
                   "null key, and nulls on the right don't change its answer; that is SQL's `not exists`, not its `not "
                   "in`. A condition "
                   "that is null is not met. Under `right` and `full` a key that is shown once has the value of the "
                   "side that has the "
                   "row.\n\n"
                   "All kinds but `right` and `full` keep the left's order. Columns other than shared keys may not "
                   "have the same name on "
                   "both sides, except in `semi` and `anti`. A condition that fails over a pair (division by zero) is "
                   "an error of the "
                   "left's row.",
               .value = {.form = shape::object,
                         .help = "kind and keys",
                         .required = true,
                         .elements = {{.name = "how",
                                       .form = shape::text,
                                       .help = "which rows come out",
                                       .default_value = "inner",
                                       .choices = {"inner", "left", "right", "full", "semi", "anti", "cross"}},
                                      {.name = "using",
                                       .form = shape::list,
                                       .help = "key columns, of the same name in both inputs",
                                       .elements = {{.form = shape::column, .help = "a key column"}}},
                                      {.name = "on",
                                       .form = shape::expression,
                                       .help = "\"left.a = right.b and left.c <> right.c\""}}},
               .law = "in + added = out + filtered + merged + rejected (merged: rows of the right; in right and full "
                      "only those with a "
                      "match, the others go out; filtered: rows of the left without a match in inner, right, semi and, "
                      "where the right is "
                      "empty, cross; rows with one in anti; added: matches of a row of the left beyond its first)",
               .example = R"yaml(version: 1
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
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
