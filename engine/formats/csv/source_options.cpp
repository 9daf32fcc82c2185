#include "engine/formats/csv/source_options.hpp"

#include "engine/error/names.hpp"
#include "engine/formats/csv/values.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>

namespace sluice::csv {

namespace {

error at(std::string path, error problem) {
  problem.path = std::move(path);
  return problem;
}

constexpr std::size_t longest_separator = 16;

/// Reads a one-byte option; an empty text (or null, where `may_be_off`) switches the rule off.
std::optional<std::uint8_t> read_byte(const options& own, const std::string& name, std::optional<std::uint8_t> preset,
                                      bool may_be_off, diagnostics& faults) {
  if (!own.is_object() || !own.contains(name)) return preset;
  const auto& value = own[name];
  if (value.is_null()) return preset;
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.empty() && may_be_off) return std::nullopt;
  if (text == "\\t") return '\t';
  if (text.size() == 1 && text[0] != '\n' && text[0] != '\r') return static_cast<std::uint8_t>(text[0]);
  faults.push_back(at("/csv/" + name, user_error("invalid_option", name + " is one byte, not '" + text + "'",
                                                 "for example \",\", \";\", \"|\" or \"\\t\"")));
  return preset;
}

/// Reads the separator: a byte, or several (", ", a sign that UTF-8 writes with two).
void read_separator(const options& own, dialect& into, diagnostics& faults) {
  if (!own.contains("separator") || own["separator"].is_null()) return;
  const auto& value = own["separator"];
  auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text == "\\t") text = "\t";
  if (text.empty() || text.size() > longest_separator || text.find_first_of("\r\n") != std::string::npos) {
    faults.push_back(
        at("/csv/separator", user_error("invalid_option",
                                        "separator is a text of 1 to " + std::to_string(longest_separator) +
                                            " bytes without line ends, not '" + text + "'",
                                        "for example \",\", \";\", \"|\", \"\\t\", \" \" or \", \"")));
    return;
  }
  into.separator = static_cast<std::uint8_t>(text[0]);
  into.separator_rest = text.substr(1);
}

void read_flags(const options& own, file_rules& into, diagnostics& faults) {
  const auto quotes =
      own.contains("quotes") && own["quotes"].is_string() ? own["quotes"].get<std::string>() : "lenient";
  into.rules.strict_quotes = quotes == "strict";
  into.all_text = own.contains("all_text") && own["all_text"] == true;
  if (into.rules.strict_quotes && !into.rules.quote)
    faults.push_back(at("/csv/quotes", user_error("invalid_option", "quotes: strict needs a quote, and there is none",
                                                  "remove quotes, or give quote")));
}

void read_header(const options& own, file_rules& into, diagnostics& faults) {
  if (!own.contains("header") || own["header"].is_null()) return;
  const auto& header = own["header"];
  if (header.is_boolean()) {
    into.header = header.get<bool>();
  } else if (header.is_array()) {
    into.header = false;
    for (const auto& name : header) into.names.push_back(name.is_string() ? name.get<std::string>() : name.dump());
    if (into.names.empty())
      faults.push_back(
          at("/csv/header", user_error("invalid_option", "header is an empty list", "list the names of all columns")));
    if (unique_names(into.names) != into.names)
      faults.push_back(
          at("/csv/header", user_error("duplicate_column", "a name in header is empty or stands there twice",
                                       "give every column a name of its own")));
  } else {
    faults.push_back(at("/csv/header", user_error("invalid_option", "header is true, false or a list of names")));
  }
}

void check_distinct(const dialect& rules, diagnostics& faults) {
  const auto separator = static_cast<char>(rules.separator) + rules.separator_rest;
  const auto in_separator = [&](const char* name, const std::optional<std::uint8_t>& byte) {
    if (byte && separator.find(static_cast<char>(*byte)) != std::string::npos)
      faults.push_back(
          at(std::string("/csv/") + name,
             user_error("invalid_option",
                        std::string(name) + " means something else already: '" + static_cast<char>(*byte) + "'",
                        "separator, quote, escape and comment must differ")));
  };
  const auto clash = [&](const char* name, const std::optional<std::uint8_t>& a, const std::optional<std::uint8_t>& b) {
    if (a && b && *a == *b)
      faults.push_back(
          at(std::string("/csv/") + name,
             user_error("invalid_option",
                        std::string(name) + " means something else already: '" + static_cast<char>(*a) + "'",
                        "separator, quote, escape and comment must differ")));
  };
  in_separator("quote", rules.quote);
  in_separator("escape", rules.escape);
  in_separator("comment", rules.comment);
  clash("comment", rules.comment, rules.quote);
}

/// Reads decimal or thousands: one byte that is no digit.
char read_sign(const options& map, const char* key, char preset, const std::string& path, diagnostics& faults) {
  if (!map.contains(key) || map[key].is_null()) return preset;
  const auto text = map[key].is_string() ? map[key].get<std::string>() : map[key].dump();
  if (text.size() == 1 && std::string_view("0123456789+-eE").find(text[0]) == std::string_view::npos) return text[0];
  faults.push_back(
      at(path + "/" + key, user_error("invalid_option", std::string(key) + " is one byte, not '" + text + "'",
                                      "decimal: \",\", thousands: \".\"")));
  return preset;
}

/// What a format leaves open, so that it would have to be made up; empty: nothing.
std::string left_open(std::string_view format, const arrow::DataType& type) {
  const auto has = [&](std::string_view directives) {
    for (std::size_t i = 0; i + 1 < format.size(); ++i)
      if (format[i] == '%' && directives.find(format[++i]) != std::string_view::npos) return true;
    return false;
  };
  if (type.id() == arrow::Type::TIME64) return has("HIT") ? "" : "an hour (%H)";
  if (!has("YyF")) return "a year (%Y)";
  if (has("j")) return {};
  return !has("mbhBF") ? "a month (%m)" : !has("deF") ? "a day (%d)" : "";
}

void read_formats(const options& map, const std::string& path, column_plan& into, diagnostics& faults) {
  if (!map.contains("formats") || map["formats"].is_null()) return;
  const auto& formats = map["formats"];
  if (into.type && into.type->id() != arrow::Type::DATE32 && into.type->id() != arrow::Type::TIMESTAMP &&
      into.type->id() != arrow::Type::TIME64) {
    faults.push_back(
        at(path + "/formats",
           user_error("invalid_option", "formats are for dates and times, not for " + type_name(*into.type),
                      "remove formats, or write type: date")));
    return;
  }
  for (const auto& each : formats.is_array() ? formats : options::array({formats})) {
    const auto format = each.is_string() ? each.get<std::string>() : each.dump();
    if (const auto unknown = unknown_directive(format); !unknown.empty())
      faults.push_back(at(path + "/formats",
                          user_error("invalid_option", "a format has no " + unknown + ": " + format,
                                     "known are %Y %y %m %d %e %H %I %p %M %S %f %b %B %a %A %j %F %T %z %Z %%")));
    else if (const auto missing = into.type ? left_open(format, *into.type) : ""; !missing.empty())
      faults.push_back(
          at(path + "/formats",
             user_error("invalid_option", "a format for " + type_name(*into.type) + " needs " + missing + ": " + format,
                        "read it as text, and complete it in a derive")));
    into.formats.push_back(format);
  }
}

column_plan read_type(const std::string& name, const options& value, diagnostics& faults) {
  const auto path = "/types/" + name;
  column_plan plan;
  plan.name = name;
  plan.inferred = false;
  const bool map = value.is_object();
  const auto type_path = map ? path + "/type" : path;
  const auto text = map ? value.value("type", options("")) : value;
  if (!text.is_string() || text.get<std::string>().empty()) {
    faults.push_back(
        at(type_path, user_error("invalid_type", "column " + name + " needs a type", types_line(name, "bigint"))));
    return plan;
  }
  auto type = parse_type(text.get<std::string>());
  if (!type.ok()) {
    faults.push_back(at(type_path, std::move(type).problem()));
    return plan;
  }
  plan.type = *type;
  if (!map) return plan;
  for (const auto& [key, ignored] : value.items()) {
    if (key != "type" && key != "formats" && key != "decimal" && key != "thousands")
      faults.push_back(at(path + "/" + key, user_error("unknown_key", "a type has no key " + key,
                                                       "known are type, formats, decimal and thousands")));
  }
  plan.decimal = read_sign(value, "decimal", '.', path, faults);
  plan.thousands = read_sign(value, "thousands", '\0', path, faults);
  if (plan.decimal == plan.thousands)
    faults.push_back(at(path + "/thousands", user_error("invalid_option", "decimal and thousands are the same",
                                                        "decimal: \",\", thousands: \".\"")));
  const auto id = plan.type->id();
  for (const auto* key : {"decimal", "thousands"}) {
    if (!value.contains(key) || arrow::is_integer(id) || arrow::is_floating(id) || arrow::is_decimal(id)) continue;
    faults.push_back(
        at(path + "/" + key,
           user_error("invalid_option", std::string(key) + " is for numbers, not for " + type_name(*plan.type),
                      "remove it, or write type: \"decimal(12,2)\"")));
  }
  read_formats(value, path, plan, faults);
  return plan;
}

}  // namespace

file_rules read_file_rules(const options& own, diagnostics& faults) {
  file_rules into;
  if (!own.is_object()) return into;
  auto& rules = into.rules;
  read_separator(own, rules, faults);
  rules.quote = read_byte(own, "quote", '"', true, faults);
  rules.escape = read_byte(own, "escape", std::nullopt, true, faults);
  rules.comment = read_byte(own, "comment", std::nullopt, true, faults);
  if (rules.escape == rules.quote) rules.escape.reset();  // doubled quotes, which are understood anyway
  check_distinct(rules, faults);
  read_flags(own, into, faults);
  read_header(own, into, faults);
  if (own.contains("null_values") && own["null_values"].is_array()) {
    std::vector<std::string> tokens;
    for (const auto& token : own["null_values"])
      tokens.push_back(token.is_string() ? token.get<std::string>() : token.dump());
    into.nulls = null_rules(std::move(tokens));
  }
  if (own.contains("skip_rows") && own["skip_rows"].is_number_integer())
    into.skip_rows = own["skip_rows"].get<std::int64_t>();
  if (into.skip_rows < 0)
    faults.push_back(at("/csv/skip_rows", user_error("invalid_option", "skip_rows can't be below 0")));
  return into;
}

std::map<std::string, column_plan> read_types(const options& types, diagnostics& faults) {
  std::map<std::string, column_plan> all;
  if (!types.is_object()) return all;
  for (const auto& [name, value] : types.items()) all.emplace(name, read_type(name, value, faults));
  return all;
}

}  // namespace sluice::csv
