#include "engine/formats/csv/source_options.hpp"

#include "engine/error/names.hpp"
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
  faults.push_back(at("/csv/" + name, user_error("invalid_option", name + " must be one byte, found '" + text + "'",
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
                                        "separator must be a text of 1 to " + std::to_string(longest_separator) +
                                            " bytes without line breaks, found '" + text + "'",
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
    faults.push_back(
        at("/csv/quotes", user_error("invalid_option", "quotes: strict needs a quote character, but quote is empty",
                                     "remove quotes, or set quote")));
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
          at("/csv/header", user_error("invalid_option", "header is an empty list", "give the names of all columns")));
    if (unique_names(into.names) != into.names)
      faults.push_back(at("/csv/header", user_error("duplicate_column", "a name in header is empty or appears twice",
                                                    "give each column its own name")));
  } else {
    faults.push_back(at("/csv/header", user_error("invalid_option", "header must be true, false or a list of names")));
  }
}

void check_distinct(const dialect& rules, diagnostics& faults) {
  const auto separator = static_cast<char>(rules.separator) + rules.separator_rest;
  const auto in_separator = [&](const char* name, const std::optional<std::uint8_t>& byte) {
    if (byte && separator.find(static_cast<char>(*byte)) != std::string::npos)
      faults.push_back(
          at(std::string("/csv/") + name,
             user_error("invalid_option",
                        std::string(name) + " is already used for something else: '" + static_cast<char>(*byte) + "'",
                        "separator, quote, escape and comment must differ")));
  };
  const auto clash = [&](const char* name, const std::optional<std::uint8_t>& a, const std::optional<std::uint8_t>& b) {
    if (a && b && *a == *b)
      faults.push_back(
          at(std::string("/csv/") + name,
             user_error("invalid_option",
                        std::string(name) + " is already used for something else: '" + static_cast<char>(*a) + "'",
                        "separator, quote, escape and comment must differ")));
  };
  in_separator("quote", rules.quote);
  in_separator("escape", rules.escape);
  in_separator("comment", rules.comment);
  clash("comment", rules.comment, rules.quote);
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
    into.nulls = typed::null_rules(std::move(tokens));
  }
  if (own.contains("skip_rows") && own["skip_rows"].is_number_integer())
    into.skip_rows = own["skip_rows"].get<std::int64_t>();
  if (into.skip_rows < 0)
    faults.push_back(at("/csv/skip_rows", user_error("invalid_option", "skip_rows must be 0 or more")));
  return into;
}

}  // namespace sluice::csv
