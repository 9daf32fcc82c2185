#include "engine/operators/validation/rules.hpp"

#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/operators/literals.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace sluice::validation {

namespace {

constexpr const char* kinds[] = {"not_null", "unique", "range", "matches",   "in",
                                 "check",    "rows",   "fresh", "references"};

/// A bound that is left open: null, which a list in YAML gives as a text.
bool is_open(const options& bound) { return bound.is_null() || (bound.is_string() && bound.text() == "null"); }

class rule_reader {
 public:
  rule_reader(const transform_request& request, std::string name, const options& own, diagnostics& faults)
      : request_(request), own_(own), faults_(faults), made_{.name = std::move(name)} {}

  rule read() {
    std::vector<std::string> found;
    for (const auto* kind : kinds)
      if (own_.contains(kind)) found.emplace_back(kind);
    if (found.size() != 1) {
      fault(
          "invalid_option",
          "a rule has exactly one of not_null, unique, range, matches, in, check, rows, fresh and references, found " +
              std::to_string(found.size()),
          "write, for example, positive: { check: \"net > 0\" }", {});
      return std::move(made_);
    }
    kind_ = found[0];
    const auto& value = own_[kind_];
    if (kind_ == "not_null")
      each_column(value, [&](const std::string& name, const std::string& at) {
        add(quoted_name(name) + " is not null", name + " is null", at);
      });
    if (kind_ == "unique") unique(value);
    if (kind_ == "range") range(value);
    if (kind_ == "matches")
      for (const auto& [name, pattern] : value.items())
        add(quoted_name(name) + "::text ~ " + literal_of(pattern), name + " does not match " + literal_of(pattern),
            pointer({name}));
    if (kind_ == "in") in(value);
    if (kind_ == "check") add(expression_text(value), expression_text(value) + " is not true", {});
    if (kind_ == "rows") rows(value);
    if (kind_ == "fresh") fresh(value);
    if (kind_ == "references") references(value);
    severity();
    allow();
    return std::move(made_);
  }

 private:
  std::string path(const std::string& below = {}) const {
    return pointer({"validate", made_.name}) + (kind_.empty() ? "" : "/" + kind_) + below;
  }
  void fault(const char* code, std::string message, std::string hint, const std::string& below) {
    auto made = user_error(code, std::move(message), std::move(hint));
    made.path = path(below);
    faults_.push_back(std::move(made));
  }

  // Null passes: only what is false breaks the rule.
  void add(const std::string& text, std::string message, const std::string& below) {
    diagnostics own;
    auto holds = expression::bind_condition(text, scope_of(request_), path(below), own);
    for (auto& each : own) {
      // Only the text of `check` is the user's; offsets into others would point nowhere.
      if (kind_ != "check") each.offset = std::nullopt;
      faults_.push_back(std::move(each));
    }
    if (holds) made_.conditions.push_back({std::move(holds), std::move(message)});
  }

  template <class Visit>
  void each_column(const options& list, Visit&& visit) {
    for (std::size_t i = 0; i < list.size(); ++i) visit(list[i].get<std::string>(), "/" + std::to_string(i));
  }

  void unique(const options& list) {
    std::string names;
    each_column(list, [&](const std::string& name, const std::string& at) {
      const auto column = find_column(request_, 0, name, path(at), faults_);
      if (!column) return;
      const auto& type = *request_.inputs.front().schema->field(*column)->type();
      if (is_unknown(type)) return;
      if (auto checked = flow::check_key_type(type, name); !checked.ok())
        fault("not_supported_yet", checked.problem().message, checked.problem().hint, at);
      made_.unique.push_back(*column);
      names += (names.empty() ? "" : ", ") + name;
    });
    if (list.empty()) fault("invalid_option", "unique has no columns", "unique: [order_id]", {});
    made_.unique_message = names + " is not unique: an earlier row has the same value";
  }

  void range(const options& columns) {
    for (const auto& [name, bounds] : columns.items()) {
      const auto at = pointer({name});
      if (bounds.size() != 2) {
        fault("invalid_option", "a range has a lowest and a highest value, found " + bounds.dump(),
              "range: { amount: [0, 1000] }; null leaves that side open", at);
        continue;
      }
      const auto column = quoted_name(name);
      std::string text, told;
      if (!is_open(bounds[0])) text = column + " >= " + literal_of(bounds[0]);
      if (!is_open(bounds[1])) text += (text.empty() ? "" : " and ") + column + " <= " + literal_of(bounds[1]);
      if (text.empty()) {
        fault("invalid_option", "a range needs at least one bound", "range: { amount: [0, null] }", at);
        continue;
      }
      add(text,
          name + " is not between " + (is_open(bounds[0]) ? "any value" : literal_of(bounds[0])) + " and " +
              (is_open(bounds[1]) ? "any value" : literal_of(bounds[1])),
          at);
    }
  }

  void in(const options& columns) {
    for (const auto& [name, values] : columns.items()) {
      std::string list;
      for (std::size_t i = 0; i < values.size(); ++i) list += (i == 0 ? "" : ", ") + literal_of(values[i]);
      if (values.empty()) {
        fault("invalid_option", "the list of values is empty", "in: { status: [open, paid] }", pointer({name}));
        continue;
      }
      add(quoted_name(name) + " in (" + list + ")", name + " is none of " + list, pointer({name}));
    }
  }

  void rows(const options& bounds) {
    const auto whole = [](const options& value) {
      return is_open(value) || (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    };
    if (bounds.size() != 2 || !whole(bounds[0]) || !whole(bounds[1])) {
      fault("invalid_option", "rows has a lowest and a highest number, found " + bounds.dump(),
            "rows: [1, 1000000]; null leaves that side open", {});
      return;
    }
    made_.rows = {is_open(bounds[0]) ? 0 : bounds[0].get<std::int64_t>(),
                  is_open(bounds[1]) ? INT64_MAX : bounds[1].get<std::int64_t>()};
  }

  void fresh(const options& columns) {
    for (const auto& [name, age] : columns.items()) {
      const auto at = pointer({name});
      const auto text = age.is_string() ? age.get<std::string>() : age.dump();
      const auto most = parse_duration(text);
      if (!most.ok()) {
        fault("invalid_option", most.problem().message, most.problem().hint, at);
        continue;
      }
      const auto column = find_column(request_, 0, name, path(at), faults_);
      if (!column) continue;
      const auto& type = *request_.inputs.front().schema->field(*column)->type();
      if (is_unknown(type)) continue;
      if (type.id() != arrow::Type::DATE32 && type.id() != arrow::Type::TIMESTAMP) {
        fault("invalid_option", "column " + name + " is " + type_name(type) + ", and fresh needs a date or a time",
              "cast it before: derive: { " + name + ": \"" + name + "::timestamptz\" }", at);
        continue;
      }
      if (auto time = expression::bind(quoted_name(name) + "::timestamptz", scope_of(request_), path(at), faults_))
        made_.fresh.push_back({std::move(time), *most, name, text});
    }
    if (columns.empty()) fault("invalid_option", "fresh has no columns", "fresh: { updated_at: 1d }", {});
  }

  void references(const options& columns) {
    for (const auto& [name, text] : columns.items()) {
      const auto at = pointer({name});
      const auto [unit, column] = referenced(text.get<std::string>());
      if (unit.empty() || column.empty()) {
        fault("invalid_option", "references names a unit and its column, found " + text.get<std::string>(),
              "references: { " + name + ": \"customers.id\" }", at);
        continue;
      }
      if (request_.inputs.size() < 2) {
        fault("invalid_option", "a step reads one unit only, and references reads another one",
              "make validate a separate unit: { from: ..., validate: ... }", at);
        continue;
      }
      auto qualifier = unit;
      std::replace(qualifier.begin(), qualifier.end(), '.', '_');
      const auto input = std::find_if(request_.inputs.begin() + 1, request_.inputs.end(),
                                      [&](const auto& one) { return one.unit == qualifier; });
      if (input == request_.inputs.end()) continue;  // reported where the unit was looked for
      add_reference(name, static_cast<int>(input - request_.inputs.begin()), unit, column, at);
    }
    if (columns.empty())
      fault("invalid_option", "references has no columns", "references: { customer: \"customers.id\" }", {});
  }

  void add_reference(const std::string& name, int input, const std::string& unit, const std::string& column,
                     const std::string& at) {
    const auto here = find_column(request_, 0, name, path(at), faults_);
    const auto there = find_column(request_, input, column, path(at), faults_);
    if (!here || !there) return;
    const auto left = request_.inputs.front().schema->field(*here)->type();
    const auto right = request_.inputs[static_cast<std::size_t>(input)].schema->field(*there)->type();
    if (is_unknown(*left) || is_unknown(*right)) return;
    const auto type = common_type(canonical_key_type(left), canonical_key_type(right));
    if (!type) {
      fault("type_mismatch",
            name + " is " + type_name(*left) + ", and " + unit + "." + column + " is " + type_name(*right),
            "cast one of them first: cast: { " + column + ": " + type_name(*left) + " }", at);
      return;
    }
    if (auto checked = flow::check_key_type(*type, name); !checked.ok()) {
      fault("not_supported_yet", checked.problem().message, checked.problem().hint, at);
      return;
    }
    made_.references.push_back({.column = *here,
                                .input = input,
                                .there = *there,
                                .type = canonical_key_type(type),
                                .message = name + " is not in " + unit + "." + column});
  }

  void severity() {
    const auto given = own_.value("severity", std::string());
    const bool of_all = kind_ == "rows" || kind_ == "fresh";
    if (given.empty())
      made_.how_bad = kind_ == "unique" || of_all ? validation::severity::fail : validation::severity::reject;
    if (given == "fail") made_.how_bad = validation::severity::fail;
    if (given == "warn") made_.how_bad = validation::severity::warn;
    if (of_all && given == "reject") {
      fault("invalid_option",
            kind_ == "rows" ? "a number of rows can't reject a row"
                            : "fresh is about the newest row, and can't reject one",
            "severity: fail, or severity: warn", {});
    }
  }

  void allow() {
    if (!own_.contains("allow")) return;
    allowance made{.text = own_["allow"].is_string() ? own_["allow"].text() : own_["allow"].dump()};
    auto digits = made.text;
    made.is_share = digits.ends_with('%');
    if (made.is_share) digits.pop_back();
    const auto* const end = digits.data() + digits.size();
    const auto read = made.is_share ? std::from_chars(digits.data(), end, made.share)
                                    : std::from_chars(digits.data(), end, made.count);
    made.share /= 100;
    if (read.ec != std::errc() || read.ptr != end || made.count < 0 || made.share < 0 || made.share > 1 ||
        kind_ == "rows" || kind_ == "fresh")
      return fault("invalid_option",
                   kind_ == "rows"    ? "rows has bounds instead of allow"
                   : kind_ == "fresh" ? "fresh has an age instead of allow"
                                      : "allow is a number of rows or a share, found " + made.text,
                   "allow: 10, or allow: \"1%\"", {});
    made_.allow = std::move(made);
  }

  const transform_request& request_;
  const options& own_;
  diagnostics& faults_;
  rule made_;
  std::string kind_;
};

}  // namespace

std::pair<std::string, std::string> referenced(const std::string& text) {
  const auto dot = text.rfind('.');
  if (dot == std::string::npos) return {};
  return {text.substr(0, dot), text.substr(dot + 1)};
}

const char* to_string(severity how_bad) {
  return how_bad == severity::warn ? "warn" : how_bad == severity::reject ? "reject" : "fail";
}

field_spec rule_spec() {
  const field_spec column{.form = shape::column, .help = "a column"};
  const field_spec value{.form = shape::one_of,
                         .help = "a value",
                         .elements = {{.form = shape::number, .help = "a number"},
                                      {.form = shape::boolean, .help = "true or false"},
                                      {.form = shape::text, .help = "a text"}}};
  const field_spec values{.form = shape::list, .help = "values", .elements = {value}};
  return {.form = shape::object,
          .help = "one kind of rule, and what happens where it is broken",
          .elements = {
              {.name = "not_null", .form = shape::list, .help = "columns that are never null", .elements = {column}},
              {.name = "unique",
               .form = shape::list,
               .help = "columns whose values together come once",
               .elements = {column}},
              {.name = "range",
               .form = shape::map,
               .help = "column: [lowest, highest]; null leaves that side open",
               .elements = {{.form = shape::list, .help = "[lowest, highest]", .elements = {value}}}},
              {.name = "matches",
               .form = shape::map,
               .help = "column: regular expression",
               .elements = {{.form = shape::text, .help = "a regular expression"}}},
              {.name = "in", .form = shape::map, .help = "column: list of values", .elements = {values}},
              {.name = "check", .form = shape::expression, .help = "condition that no row makes false"},
              {.name = "rows",
               .form = shape::list,
               .help = "[lowest, highest] number of rows; null leaves that side open",
               .elements = {{.form = shape::one_of,
                             .help = "a number, or null",
                             .elements = {{.form = shape::integer, .help = "a number"},
                                          {.form = shape::text, .help = "null", .choices = {"null"}}}}}},
              {.name = "fresh",
               .form = shape::map,
               .help = "column: how old its newest value may be when the run starts",
               .elements = {{.form = shape::duration, .help = "1d"}}},
              {.name = "references",
               .form = shape::map,
               .help = "column: \"unit.column\" of another unit, among whose values its own must be",
               .elements = {{.form = shape::text, .help = "\"customers.id\""}}},
              {.name = "severity",
               .form = shape::text,
               .help = "let the row pass with a warning, reject it, or fail the run",
               .choices = {"warn", "reject", "fail"}},
              {.name = "allow",
               .form = shape::one_of,
               .help = "how many rows may break the rule",
               .elements = {{.form = shape::integer, .help = "10"}, {.form = shape::text, .help = "\"1%\""}}}}};
}

std::vector<rule> read_rules(const transform_request& request, diagnostics& faults) {
  std::vector<rule> rules;
  for (const auto& [name, own] : request.own.items()) rules.push_back(rule_reader(request, name, own, faults).read());
  return rules;
}

}  // namespace sluice::validation
