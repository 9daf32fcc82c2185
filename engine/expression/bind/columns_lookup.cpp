// What the names of columns mean.
#include "engine/error/names.hpp"
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/parse/lexer.hpp"
#include "engine/values/types.hpp"
#include "engine/values/unknown_columns.hpp"

#include <arrow/type.h>
#include <algorithm>

namespace sluice::expression {

namespace {

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

struct candidate {
  column_place place;
  std::string text;
};

std::vector<candidate> matches(const std::string& qualifier, const std::string& name, const scope& names, bool exact) {
  std::vector<candidate> found;
  int index = 0;
  for (const auto& input : names.inputs) {
    const bool wanted =
        qualifier.empty() || (exact ? input.qualifier == qualifier : same_letters(input.qualifier, qualifier));
    for (const auto& field : input.schema->fields()) {
      if (wanted && (exact ? field->name() == name : same_letters(field->name(), name))) {
        auto text = quoted_identifier(field->name());
        if (!input.qualifier.empty() && names.inputs.size() > 1) text = quoted_identifier(input.qualifier) + "." + text;
        found.push_back({{index, field}, std::move(text)});
      }
      ++index;
    }
  }
  return found;
}

std::string unknown_hint(const std::string& qualifier, const std::string& name, const scope& names, bool quoted) {
  std::vector<std::string> known;
  for (const auto& input : names.inputs)
    if (qualifier.empty() || input.qualifier == qualifier)
      for (const auto& field : input.schema->fields()) known.push_back(field->name());
  const auto near = nearest_name(name, known);
  if (!near.empty()) return "did you mean " + quoted_identifier(near) + "?";
  if (quoted) return "double quotes are for names, single quotes for text: '" + name + "'";
  std::string list;
  for (std::size_t i = 0; i < known.size() && i < 12; ++i) list += (i == 0 ? "" : ", ") + quoted_identifier(known[i]);
  if (known.size() > 12) list += ", ...";
  return (list.empty() ? std::string("columns can't be used here") : "the columns are " + list) +
         (qualifier.empty() ? "; if you mean text, quote it: '" + name + "'" : "");
}

}  // namespace

std::optional<column_place> find_column(const std::string& qualifier, const std::string& name, const scope& names,
                                        const std::string& path, std::size_t at, diagnostics& faults, bool quoted) {
  for (const bool exact : {true, false}) {
    const auto found = matches(qualifier, name, names, exact);
    if (found.size() == 1) return found[0].place;
    if (found.empty()) continue;
    std::string list;
    for (const auto& each : found) list += (list.empty() ? "" : ", ") + each.text;
    const bool by_unit = names.inputs.size() > 1;
    faults.push_back(fault_at(path, at, "ambiguous_column", "the column " + name + " is ambiguous: it could be " + list,
                              by_unit && exact ? "put the unit's name before it: " + found[0].text
                                               : "write the exact name, in double quotes if it has capital letters"));
    return std::nullopt;
  }
  const auto full = qualifier.empty() ? name : qualifier + "." + name;
  if (!qualifier.empty()) {
    std::vector<std::string> units;
    for (const auto& input : names.inputs) units.push_back(input.qualifier);
    if (std::none_of(units.begin(), units.end(), [&](const auto& unit) { return same_letters(unit, qualifier); })) {
      const auto near = nearest_name(qualifier, units);
      faults.push_back(fault_at(path, at, "unknown_unit", "this unit has no input named " + qualifier,
                                near.empty() ? "leave the unit's name out, or use the name of one of its inputs"
                                             : "did you mean " + near + "." + name + "?"));
      return std::nullopt;
    }
  }
  const bool may_be_there = std::any_of(names.inputs.begin(), names.inputs.end(), [&](const auto& input) {
    return (qualifier.empty() || same_letters(input.qualifier, qualifier)) && has_unknown_columns(*input.schema);
  });
  if (may_be_there) return std::nullopt;
  faults.push_back(
      fault_at(path, at, "unknown_column", "there is no column " + full, unknown_hint(qualifier, name, names, quoted)));
  return std::nullopt;
}

node_ptr make_column(const column_place& place, const std::string& path, std::size_t at, diagnostics& faults) {
  const auto& stored = place.field->type();
  if (is_unknown(*stored)) return nullptr;
  auto type = language_type(stored);
  if (type == nullptr) {
    faults.push_back(
        fault_at(path, at, "not_supported_yet",
                 "the type " + stored->ToString() + " of column " + place.field->name() + " is not supported yet"));
    return nullptr;
  }
  const bool foreign = !type->Equals(*stored);
  return std::make_shared<column_node>(place.index, place.field->name(), foreign ? std::move(type) : stored, foreign);
}

std::optional<int> resolve_column(std::string_view name, const scope& names, const std::string& path,
                                  diagnostics& faults) {
  // A whole name first: it may hold a point.
  const std::string whole(name);
  const auto point = whole.find('.');
  if (point != std::string::npos && matches({}, whole, names, true).empty()) {
    const auto place = find_column(whole.substr(0, point), whole.substr(point + 1), names, path, 0, faults);
    return place ? std::optional(place->index) : std::nullopt;
  }
  const auto place = find_column({}, whole, names, path, 0, faults);
  return place ? std::optional(place->index) : std::nullopt;
}

}  // namespace sluice::expression
