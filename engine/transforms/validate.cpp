#include "engine/component/checks_rules.hpp"
#include "engine/component/holds_back.hpp"
#include "engine/component/late_answers.hpp"
#include "engine/component/may_block.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/component/wants_last.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/validation/referencing_rows.hpp"
#include "engine/operators/validation/tally.hpp"
#include "engine/operators/validation/unique_values.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

namespace sluice {

namespace {

using validation::rule;
using validation::severity;

class validate final : public single_output,
                       public checks_rules,
                       public wants_last,
                       public holds_back,
                       public late_answers,
                       public may_block,
                       public spilled_state {
 public:
  validate(const transform_request& request, std::vector<rule> rules)
      : single_output(request, request.inputs.front().schema),
        context_(request.context),
        rules_(std::move(rules)),
        counts_(rules_, request.unit),
        referencing_(rules_, keys_, static_cast<std::size_t>(schema()->num_fields()), *request.context, request.unit) {
    for (const auto& one : rules_) {
      if (one.unique.empty()) continue;
      ordered_ = true;
      keys_.emplace_back(one, schema());
    }
    for (const auto& input : request.inputs) inputs_.push_back(input.schema);
    // A limit holds for all rows together, not for those of one instance.
    single_ = ordered_ || inputs_.size() > 1 || std::any_of(rules_.begin(), rules_.end(), [](const rule& one) {
                return one.allow || one.rows || !one.fresh.empty();
              });
    now_ = request.context->now_microseconds;
    for (const auto& one : rules_) newest_.resize(newest_.size() + one.fresh.size(), never);
  }

  [[nodiscard]] partitioning input_partitioning(int) const override {
    return {.how = single_ ? partitioning::kind::single : partitioning::kind::any};
  }
  [[nodiscard]] bool needs_order() const override { return ordered_; }
  [[nodiscard]] std::optional<std::string> needs_end(int input) const override {
    if (input == 0) return std::nullopt;
    return "references reads the other unit to its end: it must have one";
  }
  [[nodiscard]] int last_input() const override { return inputs_.size() > 1 ? 0 : -1; }
  [[nodiscard]] bool holds_rows() const override { return referencing_.holds_rows(); }
  [[nodiscard]] std::uint64_t held() const override { return referencing_.held(); }
  // Rows are checked in the order in which they came, but wait for many others where values are on disk.
  void release_order() override {}
  [[nodiscard]] bool answers_late() const override { return referencing_.holds_rows(); }
  // Spilling blocks; it begins when memory runs short.
  [[nodiscard]] bool next_call_may_block() const override {
    const auto& memory = *context_->memory;
    return (ordered_ || inputs_.size() > 1) && (referencing_.uses_disk() || memory.reserved() > memory.limit() / 2);
  }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    column_set columns(inputs_[static_cast<std::size_t>(input)]);
    for (const auto& one : rules_)
      for (const auto& each : one.references) {
        if (each.input == input) columns.add(each.there);
        if (input == 0) columns.add(each.column);
      }
    if (input > 0) return columns.names();
    for (const auto& one : rules_) {
      columns.add(one.unique);
      for (const auto& each : one.conditions) columns.add(each.holds->columns());
      for (const auto& each : one.fresh) columns.add(each.time->columns());
    }
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }
  [[nodiscard]] std::vector<rule_result> rules() const override { return counts_.results(ended_); }

  status process(int input, batch in, emitter& out) override {
    if (input > 0) {
      out.count_merged(static_cast<std::uint64_t>(in.rows()));
      return referencing_.learn(input, in);
    }
    if (referencing_.passes_at_once()) {
      SLUICE_TRY(check(in, out));
    } else {
      referencing_.wait(std::move(in));
    }
    return reserve();
  }

  // Rows that came before the other units had ended, or whose values are looked up on disk.
  result<bool> resume(emitter& out) override {
    SLUICE_ASSIGN(const auto next, referencing_.next(rows_ended_ || barrier_comes_));
    if (next) {
      SLUICE_TRY(check(*next, out));
      SLUICE_TRY(reserve());
      return true;
    }
    barrier_comes_ = false;
    if (!rows_ended_ || ended_ || referencing_.holds_rows()) return false;
    ended_ = true;
    judge();
    SLUICE_TRY(failure_);
    return false;
  }

  status before_barrier(std::uint64_t, emitter&) override {
    barrier_comes_ = true;
    return {};
  }

  status finish(int input, emitter&) override {
    if (input == 0) rows_ended_ = true;
    if (input > 0) referencing_.ended();
    return {};
  }

  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0) && single_) return parts;
    SLUICE_ASSIGN(auto part, held::numbers("counts", counts_.numbers()));
    if (of.contains(0)) parts.push_back(std::move(part));
    if (of.contains(0) && !newest_.empty()) {
      SLUICE_ASSIGN(auto times, held::numbers("newest", newest_));
      parts.push_back(std::move(times));
    }
    for (std::size_t i = 0; i < keys_.size() && of.contains(0); ++i) {
      SLUICE_ASSIGN(auto values, keys_[i].values());
      if (values) parts.push_back({"unique" + std::to_string(i), std::move(values)});
    }
    SLUICE_TRY(referencing_.state([&](const state_part& one) -> status {
      parts.push_back(one);
      return {};
    }));
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      if (part.name == "counts") {
        SLUICE_ASSIGN(const auto numbers, held::numbers_of(part, counts_.count_of_numbers()));
        counts_.add(numbers);
      }
      if (part.name == "newest") {
        SLUICE_ASSIGN(const auto times, held::numbers_of(part, newest_.size()));
        for (std::size_t i = 0; i < newest_.size(); ++i) newest_[i] = std::max(newest_[i], times[i]);
      }
      SLUICE_TRY(referencing_.take_in(part));
      for (std::size_t i = 0; i < keys_.size(); ++i)
        if (part.name == "unique" + std::to_string(i)) SLUICE_TRY(keys_[i].restore(*part.rows));
    }
    return reserve();
  }

  [[nodiscard]] bool has_spilled() const override { return referencing_.has_spilled(); }
  status hand_out(key_groups of, const part_taker& take) override {
    return of.contains(0) ? referencing_.hand_out(take) : status{};
  }
  status take_in(const state_part& part) override {
    SLUICE_ASSIGN(const bool ours, referencing_.take_in(part));
    if (!ours) return held::foreign(part.name);
    return reserve();
  }

 private:
  static bool stays(const arrow::Array& kept, std::int64_t row) {
    const auto& rows = static_cast<const arrow::Int32Array&>(kept);
    return std::binary_search(rows.raw_values(), rows.raw_values() + rows.length(), static_cast<std::int32_t>(row));
  }
  // The rows that both let pass.
  static batch both(const batch& in, const settled_rows& a, const settled_rows& b) {
    std::vector<std::int32_t> kept;
    for (std::int32_t row = 0; row < static_cast<std::int32_t>(in.rows()); ++row)
      if ((a.all_kept || stays(*a.kept, row)) && (b.all_kept || stays(*b.kept, row))) kept.push_back(row);
    return take_rows(in, arrow::Int32Array(std::ssize(kept), arrow::Buffer::Wrap(kept)));
  }

  status check(const batch& in, emitter& out) {
    counts_.seen(in.rows());
    row_errors rejected, failed, unknown;
    SLUICE_TRY(note_newest(in));
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      row_errors broken;
      SLUICE_TRY(check(rules_[i], in, broken, unknown));
      if (broken.empty()) continue;
      counts_.add(i, broken);
      if (rules_[i].how_bad == severity::warn) continue;
      const bool fails = rules_[i].how_bad == severity::fail;
      // What is allowed passes.
      if (fails && rules_[i].allow && !counts_.exceeds(i, false)) continue;
      auto& to = fails ? failed : rejected;
      to.insert(to.end(), std::make_move_iterator(broken.begin()), std::make_move_iterator(broken.end()));
    }
    // An error in the expression of a check is one of the row, as in filter.
    SLUICE_ASSIGN(const auto evaluated, settle_errors(in, std::move(unknown), policy_, out));
    const auto left = [&](const row_errors& errors) {
      row_errors kept;
      for (const auto& one : errors)
        if (evaluated.all_kept || stays(*evaluated.kept, one.row)) kept.push_back(one);
      return kept;
    };
    // Of a row that breaks several rules, all reasons are told.
    auto fatal = left(failed);
    for (const auto& one : fatal)
      for (std::size_t i = 0; i < rules_.size(); ++i)
        if (rules_[i].name == one.column) counts_.failed(i);
    SLUICE_TRY(settle_errors(in, std::move(fatal), on_error::fail, out));
    SLUICE_ASSIGN(const auto settled, settle_errors(in, left(rejected), on_error::reject, out));
    auto passed = keep_rows(in, settled);
    if (!evaluated.all_kept) passed = both(in, evaluated, settled);
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].how_bad != severity::warn && counts_.exceeds(i, false)) return counts_.too_many(i);
    if (passed.rows() > 0 || in.rows() == 0) out.emit(0, std::move(passed));
    return {};
  }

  // At the end of all rows: the first rule that fails the run is its error.
  void judge() {
    auto newest = newest_.begin();
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const auto& one = rules_[i];
      for (const auto& each : one.fresh) of_all(i, found_stale(each, *newest++));
      if (one.how_bad != severity::warn && counts_.exceeds(i, true) && failure_.ok()) failure_ = counts_.too_many(i);
      const auto seen = counts_.seen();
      if (one.rows && (seen < one.rows->first || seen > one.rows->second))
        of_all(i, "expected " + std::to_string(one.rows->first) +
                      (one.rows->second == INT64_MAX ? " rows or more"
                                                     : " to " + std::to_string(one.rows->second) + " rows") +
                      ", found " + std::to_string(seen));
    }
  }

  // A rule about all rows together is broken, unless there is nothing to say.
  void of_all(std::size_t at, const std::string& message) {
    if (message.empty()) return;
    counts_.broken(at, message);
    if (rules_[at].how_bad == severity::warn) return;
    counts_.failed(at);
    if (failure_.ok())
      failure_ = user_error("rule_broken", "rule " + rules_[at].name + " of unit " + unit_ + ": " + message,
                            "look at what the unit reads, or change the rule");
  }

  status note_newest(const batch& in) {
    auto newest = newest_.begin();
    for (const auto& one : rules_)
      for (const auto& each : one.fresh) {
        SLUICE_ASSIGN(const auto value, each.time->evaluate(in));
        const auto& times = static_cast<const arrow::TimestampArray&>(*value.values);
        for (std::int64_t row = 0; row < times.length(); ++row)
          if (times.IsValid(row)) *newest = std::max(*newest, times.Value(row));
        ++newest;
      }
    return {};
  }

  [[nodiscard]] std::string found_stale(const validation::freshness& of, std::int64_t newest) const {
    if (newest != never && newest >= now_ - of.microseconds) return {};
    std::string found = "there is none";
    if (newest != never) {
      char text[longest_value];
      found = "the newest is " + std::string(text, write_timestamp(text, newest, true));
    }
    return "expected a value of " + of.column + " that is at most " + of.text + " old, but " + found;
  }

  status check(const rule& one, const batch& in, row_errors& broken, row_errors& unknown) {
    for (const auto& each : one.conditions) {
      SLUICE_ASSIGN(auto value, each.holds->evaluate(in));
      append_errors(unknown, std::move(value.errors), one.name);
      const auto& holds = static_cast<const arrow::BooleanArray&>(*value.values);
      if (holds.null_count() == 0 && holds.true_count() == in.rows()) continue;
      for (std::int64_t row = 0; row < in.rows(); ++row)
        if (holds.IsValid(row) && !holds.Value(row))
          broken.push_back({.row = row, .code = "rule_broken", .column = one.name, .message = each.message});
    }
    if (!one.references.empty()) SLUICE_TRY(referencing_.check(one, in, broken));
    for (auto& keys : keys_)
      if (&keys.of() == &one) SLUICE_TRY(keys.check(in, broken));
    return {};
  }

  status reserve() { return referencing_.reserve(); }

  const run_context* context_;
  std::vector<std::shared_ptr<arrow::Schema>> inputs_;
  std::vector<rule> rules_;
  validation::tally counts_;
  std::vector<validation::unique_values> keys_;
  validation::referencing_rows referencing_;
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> newest_;  ///< time of each `fresh`, of all rules one after the other
  std::int64_t now_ = 0;
  status failure_;  ///< of the end
  bool ordered_ = false, single_ = false;
  bool rows_ended_ = false, ended_ = false, barrier_comes_ = false;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  std::set<std::string> others;
  for (const auto& [name, own] : request.own.items())
    if (const auto found = own.find("references"); found != own.end())
      for (const auto& [column, text] : found->items()) others.insert(validation::referenced(text.text()).first);
  const bool step = request.inputs.size() == 1 && !others.empty();
  if (!step && !require_inputs(request, "validate", 1 + others.size(), faults)) return nullptr;
  const auto before = faults.size();
  auto rules = validation::read_rules(request, faults);
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  return std::make_unique<validate>(request, std::move(rules));
}

}  // namespace

const component& validate_transform() {
  static const component self{
      .spec =
          {.name = "validate",
           .kind = component_kind::transform,
           .summary = "Checks rows against rules",
           .description =
               "Each rule has a name and one kind: `not_null`, `unique`, `range`, `matches` (a regular "
               "expression), `in`, `check` (a condition), `references` (`{ customer: \"customers.id\" }`: the value is "
               "one of that column of another unit, which is read to its end first), "
               "`rows` (how many rows there must be) or `fresh` (how old the newest value of a column may "
               "be when the run starts). Null passes every rule but `not_null`; for `unique` "
               "the first row of a key passes.\n\n"
               "With `severity: reject` a row that breaks the rule goes to the rejects, with the rule's "
               "name and all reasons; with `severity: fail` the run fails; with `severity: warn` the row passes. "
               "Rules about rows reject unless they say otherwise, `unique`, `rows` and `fresh` fail. "
               "`allow: 10` or `allow: \"1%\"` is how many rows may break the rule: more fail the run, or give a "
               "warning; with `severity: fail`, so many pass.\n\n"
               "The end of the run, the event `unit.finished` and the API list each rule with the rows that it checked "
               "and those that break it. Where more rows break a rule than are allowed, that is an event: "
               "`quality.warned`, or `quality.failed` if the run fails because of it.\n\n"
               "Keys of `unique`, and values of the other unit of `references`, for which `run.memory` has no room are "
               "kept on disk, and rows are looked up there many at a time.",
           .value = {.form = shape::map, .help = "name: rule", .required = true, .elements = {validation::rule_spec()}},
           .law = "in = out + rejected",
           .example = R"yaml(version: 1
pipeline: checked-airports
rejects: { allow: 100 }
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    types: { lat: double, lon: double }
transform:
  checked:
    from: airports
    validate:
      code: { matches: { faa: "^[A-Z0-9]{3}$" } }
      place: { range: { lat: [-90, 90], lon: [-180, 180] } }
      one_each: { unique: [faa] }
load:
  good:
    from: checked
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
