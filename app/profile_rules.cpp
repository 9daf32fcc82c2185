#include "app/profile_rules.hpp"

#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>

namespace sluice::app {

namespace {

/// "AA-99" as a regular expression: runs of one kind become a class and a count.
std::string expression_of(const std::string& pattern) {
  std::string made = "^";
  for (std::size_t i = 0; i < pattern.size();) {
    auto end = i;
    while (end < pattern.size() && pattern[end] == pattern[i]) ++end;
    const char kind = pattern[i];
    std::string one = kind == '9' ? "[0-9]" : kind == 'a' ? "[a-z]" : kind == 'A' ? "[A-Z]" : std::string(1, kind);
    if (std::string_view("\\^$.|?*+()[]{}").find(kind) != std::string_view::npos) one.insert(0, 1, '\\');
    // Bytes beyond ASCII belong together.
    if (static_cast<unsigned char>(kind) >= 0x80) end = i + 1;
    made += one;
    if (end - i > 1) made += "{" + std::to_string(end - i) + "}";
    i = end;
  }
  return made + "$";
}

options value_of(const std::string& text, const arrow::DataType& type) {
  const bool number = arrow::is_numeric(type.id()) || arrow::is_decimal(type.id());
  if (!number) return text;
  // Numbers that a double does not hold exactly are written as they are.
  if (auto read = options::try_parse(text); read && read->is_number() && text.size() < 16) return *read;
  return text;
}

std::string rule_name(const std::string& kind, const std::string& column) {
  std::string name = kind + "_" + column;
  for (auto& letter : name)
    if ((letter < 'a' || letter > 'z') && (letter < 'A' || letter > 'Z') && (letter < '0' || letter > '9'))
      letter = '_';
  return name;
}

}  // namespace

options to_options(const column_profile& of) {
  options made = {{"name", of.name}, {"type", type_name(*of.type)}, {"nulls", of.rows - of.filled}};
  if (of.distinct) made["distinct"] = *of.distinct;
  if (of.least) made["least"] = *of.least;
  if (of.most) made["most"] = *of.most;
  if (of.pattern) made["patterns"] = of.patterns;
  if (of.pattern) made["pattern"] = *of.pattern;
  if (!of.values.empty()) made["values"] = of.values;
  return made;
}

options suggested_rules(const std::vector<column_profile>& columns, std::int64_t fewest_rows) {
  options rules = options::object();
  std::vector<std::string> filled;
  for (const auto& one : columns)
    if (one.rows >= fewest_rows && one.filled == one.rows) filled.push_back(one.name);
  if (!filled.empty()) rules["present"] = options{{"not_null", filled}};
  for (const auto& one : columns) {
    if (one.filled < fewest_rows) continue;
    const bool whole = arrow::is_integer(one.type->id()) || one.type->id() == arrow::Type::STRING;
    if (whole && one.filled == one.rows && one.distinct == one.filled)
      rules[rule_name("unique", one.name)] = options{{"unique", std::vector<std::string>{one.name}}};
    const bool number = arrow::is_numeric(one.type->id()) || arrow::is_decimal(one.type->id());
    if (number && one.least && one.most) {
      auto bounds = options::array();
      bounds.push_back(value_of(*one.least, *one.type));
      bounds.push_back(value_of(*one.most, *one.type));
      auto range = options::object();
      range[one.name] = std::move(bounds);
      rules[rule_name("range", one.name)] = options{{"range", std::move(range)}};
    }
    auto by_column = options::object();
    if (!one.values.empty()) {
      by_column[one.name] = one.values;
      rules[rule_name("known", one.name)] = options{{"in", std::move(by_column)}};
    } else if (one.pattern && one.patterns == 1 && !one.pattern->empty()) {
      by_column[one.name] = expression_of(*one.pattern);
      rules[rule_name("form", one.name)] = options{{"matches", std::move(by_column)}};
    }
  }
  return rules;
}

std::string rules_text(const options& rules) {
  std::string text = "    validate:\n";
  // JSON in one line is YAML in flow style.
  for (const auto& [name, rule] : rules.items()) text += "      " + name + ": " + rule.dump() + "\n";
  return text;
}

}  // namespace sluice::app
