#include "engine/component/stand_in.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/validation/rules.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice {

namespace {

using validation::rule;

class validate final : public single_output {
 public:
  validate(const transform_request& request, std::vector<rule> rules)
      : single_output(request, request.inputs.front().schema),
        rules_(std::move(rules)),
        broken_(rules_.size()),
        memory_(request.context->memory, request.unit) {
    for (const auto& one : rules_) {
      if (one.unique.empty()) continue;
      ordered_ = true;
      keys_.push_back({.rule = static_cast<std::size_t>(&one - rules_.data()), .index = nullptr});
    }
    // A limit holds for all rows together, not for those of one instance.
    single_ = ordered_ || std::any_of(rules_.begin(), rules_.end(),
                                      [](const rule& one) { return one.allow || one.rows || !one.fresh.empty(); });
    now_ = request.context->now_microseconds;
    for (const auto& one : rules_) newest_.resize(newest_.size() + one.fresh.size(), never);
  }

  [[nodiscard]] partitioning input_partitioning(int) const override {
    return {.how = single_ ? partitioning::kind::single : partitioning::kind::any};
  }
  [[nodiscard]] bool needs_order() const override { return ordered_; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    for (const auto& one : rules_) {
      columns.add(one.unique);
      for (const auto& each : one.conditions) columns.add(each.holds->columns());
      for (const auto& each : one.fresh) columns.add(each.time->columns());
    }
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    seen_ += in.rows();
    row_errors rejected, failed, unknown;
    SLUICE_TRY(note_newest(in));
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      row_errors broken;
      SLUICE_TRY(check(rules_[i], in, broken, unknown));
      if (broken.empty()) continue;
      broken_[i] += static_cast<std::int64_t>(count_rows(broken));
      auto& to = rules_[i].fails ? failed : rejected;
      // What is allowed passes.
      if (rules_[i].fails && rules_[i].allow && !exceeds(i, false)) continue;
      to.insert(to.end(), std::make_move_iterator(broken.begin()), std::make_move_iterator(broken.end()));
    }
    // An error in the expression of a check is one of the row, as in filter.
    const auto good = in;
    SLUICE_ASSIGN(const auto evaluated, settle_errors(good, std::move(unknown), policy_, out));
    const auto left = [&](const row_errors& errors) {
      row_errors kept;
      for (const auto& one : errors)
        if (evaluated.all_kept || stays(*evaluated.kept, one.row)) kept.push_back(one);
      return kept;
    };
    // Of a row that breaks several rules, all reasons are told.
    SLUICE_ASSIGN(const auto fatal, settle_errors(good, left(failed), on_error::fail, out));
    (void)fatal;
    SLUICE_ASSIGN(const auto settled, settle_errors(good, left(rejected), on_error::reject, out));
    auto passed = keep_rows(in, settled);
    if (!evaluated.all_kept) passed = both(in, evaluated, settled);
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (exceeds(i, false)) return too_many(i);
    if (passed.rows() > 0 || in.rows() == 0) out.emit(0, std::move(passed));
    return {};
  }

  status finish(int, emitter&) override {
    auto newest = newest_.begin();
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      for (const auto& each : rules_[i].fresh) SLUICE_TRY(check_fresh(rules_[i].name, each, *newest++));
      if (exceeds(i, true)) return too_many(i);
      const auto& rows = rules_[i].rows;
      if (rows && (seen_ < rows->first || seen_ > rows->second))
        return user_error(
            "rule_broken",
            "rule " + rules_[i].name + " of unit " + unit_ + ": expected " + std::to_string(rows->first) +
                (rows->second == INT64_MAX ? " rows or more" : " to " + std::to_string(rows->second) + " rows") +
                ", found " + std::to_string(seen_),
            "look at what the unit reads, or change the rule");
    }
    return {};
  }

  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0) && single_) return parts;
    auto counts = broken_;
    counts.push_back(seen_);
    SLUICE_ASSIGN(auto part, held::numbers("counts", counts));
    if (of.contains(0)) parts.push_back(std::move(part));
    if (of.contains(0) && !newest_.empty()) {
      SLUICE_ASSIGN(auto times, held::numbers("newest", newest_));
      parts.push_back(std::move(times));
    }
    for (std::size_t i = 0; i < keys_.size() && of.contains(0); ++i) {
      if (!keys_[i].index) continue;
      std::vector<std::uint32_t> all(keys_[i].index->size());
      std::iota(all.begin(), all.end(), 0U);
      SLUICE_ASSIGN(auto columns, keys_[i].index->keys(all));
      parts.push_back({"unique" + std::to_string(i), held::unnamed(std::ssize(all), std::move(columns))});
    }
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      if (part.name == "counts") {
        SLUICE_ASSIGN(const auto counts, held::numbers_of(part, broken_.size() + 1));
        for (std::size_t i = 0; i < broken_.size(); ++i) broken_[i] += counts[i];
        seen_ += counts.back();
      }
      if (part.name == "newest") {
        SLUICE_ASSIGN(const auto times, held::numbers_of(part, newest_.size()));
        for (std::size_t i = 0; i < newest_.size(); ++i) newest_[i] = std::max(newest_[i], times[i]);
      }
      for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (part.name != "unique" + std::to_string(i)) continue;
        SLUICE_TRY(prepare(keys_[i]));
        keys_[i].index->add(part.rows->columns(), part.rows->num_rows());
      }
    }
    return {};
  }

 private:
  struct known_keys {
    std::size_t rule;
    std::unique_ptr<group_index> index;
  };

  static bool stays(const arrow::Array& kept, std::int64_t row) {
    const auto& rows = static_cast<const arrow::Int32Array&>(kept);
    return std::binary_search(rows.raw_values(), rows.raw_values() + rows.length(), static_cast<std::int32_t>(row));
  }
  static std::size_t count_rows(const row_errors& errors) {
    std::vector<std::int64_t> rows;
    for (const auto& one : errors) rows.push_back(one.row);
    std::sort(rows.begin(), rows.end());
    return static_cast<std::size_t>(std::unique(rows.begin(), rows.end()) - rows.begin());
  }
  // The rows that both let pass.
  static batch both(const batch& in, const settled_rows& a, const settled_rows& b) {
    std::vector<std::int32_t> kept;
    for (std::int32_t row = 0; row < static_cast<std::int32_t>(in.rows()); ++row)
      if ((a.all_kept || stays(*a.kept, row)) && (b.all_kept || stays(*b.kept, row))) kept.push_back(row);
    return take_rows(in, arrow::Int32Array(std::ssize(kept), arrow::Buffer::Wrap(kept)));
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

  [[nodiscard]] status check_fresh(const std::string& name, const validation::freshness& of,
                                   std::int64_t newest) const {
    if (newest != never && newest >= now_ - of.microseconds) return {};
    std::string found = "there is none";
    if (newest != never) {
      char text[longest_value];
      found = "the newest is " + std::string(text, write_timestamp(text, newest, true));
    }
    return user_error("rule_broken",
                      "rule " + name + " of unit " + unit_ + ": expected a value of " + of.column +
                          " that is at most " + of.text + " old, but " + found,
                      "look at what the unit reads, or change the rule");
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
    return one.unique.empty() ? status{} : check_unique(one, in, broken);
  }

  status prepare(known_keys& of) {
    if (of.index) return {};
    std::vector<std::shared_ptr<arrow::DataType>> types;
    for (const int column : rules_[of.rule].unique)
      types.push_back(canonical_key_type(schema()->field(column)->type()));
    SLUICE_ASSIGN(of.index, group_index::make(types));
    return {};
  }

  // The first row of a key is right, the others break the rule. Nulls are never equal, as in a unique constraint.
  status check_unique(const rule& one, const batch& in, row_errors& broken) {
    auto& known =
        *std::find_if(keys_.begin(), keys_.end(), [&](const auto& each) { return &rules_[each.rule] == &one; });
    SLUICE_TRY(prepare(known));
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const int column : one.unique) {
      SLUICE_ASSIGN(auto key, canonical_key(in.data->column(column)));
      columns.push_back(std::move(key));
    }
    const auto before = known.index->size();
    const auto* groups = known.index->add(columns, in.rows());
    std::vector<bool> met(known.index->size() - before);
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      if (std::any_of(columns.begin(), columns.end(), [&](const auto& each) { return each->IsNull(row); })) continue;
      if (groups[row] >= before && !met[groups[row] - before]) {
        met[groups[row] - before] = true;
        continue;
      }
      broken.push_back({.row = row, .code = "rule_broken", .column = one.name, .message = one.unique_message});
    }
    std::int64_t bytes = 0;
    for (const auto& each : keys_) bytes += each.index ? each.index->bytes() : 0;
    return memory_.resize(bytes);
  }

  // A share is judged at the end, over all rows.
  [[nodiscard]] bool exceeds(std::size_t at, bool end) const {
    const auto& allow = rules_[at].allow;
    if (!allow) return false;
    if (!allow->is_share) return broken_[at] > allow->count;
    return end && static_cast<double>(broken_[at]) > allow->share * static_cast<double>(seen_);
  }
  [[nodiscard]] error too_many(std::size_t at) const {
    return user_error("rule_broken",
                      "rule " + rules_[at].name + " of unit " + unit_ + ": " + std::to_string(broken_[at]) + " of " +
                          std::to_string(seen_) + " rows break it, allowed are " + rules_[at].allow->text,
                      "look at the rejects, or raise `allow`");
  }

  std::vector<rule> rules_;
  std::vector<std::int64_t> broken_;  ///< rows, by rule
  memory::reservation memory_;
  std::vector<known_keys> keys_;
  std::int64_t seen_ = 0;
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> newest_;  ///< time of each `fresh`, of all rules one after the other
  std::int64_t now_ = 0;
  bool ordered_ = false, single_ = false;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "validate", 1, faults)) return nullptr;
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
               "expression), `in`, `check` (a condition), "
               "`rows` (how many rows there must be) or `fresh` (how old the newest value of a column may "
               "be when the run starts). Null passes every rule but `not_null`; for `unique` "
               "the first row of a key passes.\n\n"
               "With `severity: reject` a row that breaks the rule goes to the rejects, with the rule's "
               "name and all reasons; with `severity: fail` "
               "the run fails. Rules about rows reject unless they say otherwise, `unique`, `rows` and `fresh` fail. "
               "`allow: 10` or `allow: \"1%\"` is how many "
               "rows may break the rule: more fail the run; with `severity: fail`, so many pass.",
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
