#include "engine/plan/named_fields.hpp"

#include "engine/plan/instances.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>

namespace sluice {

namespace {

bool is_part_of_a_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// What follows "orders." in a text.
void add_names_behind(const std::string& unit, std::string_view text, std::set<std::string>& names) {
  const auto mark = unit + ".";
  for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    if (at > 0 && (is_part_of_a_name(text[at - 1]) || text[at - 1] == '.')) continue;
    const auto begin = at + mark.size();
    auto end = begin;
    while (end < text.size() && is_part_of_a_name(text[end])) ++end;
    if (end > begin) names.emplace(text.substr(begin, end - begin));
  }
}

bool reads_messages(const unit_definition& unit) {
  return (unit.component == "kafka" || unit.component == "rabbitmq") && unit.own.is_object() &&
         unit.own.value("format", std::string("json")) == "json" && unit.types.is_object() && !unit.types.empty();
}

}  // namespace

void add_named_fields(draft& of, std::size_t unit, const run_context& context) {
  auto& definition = of.made.units[unit].definition;
  // With a column of the source's own name, what is behind the dot may be a field of that.
  if (!reads_messages(definition) || definition.types.contains(definition.name)) return;
  std::set<std::string> names;
  for (std::size_t reader = 0; reader < of.inputs.size(); ++reader)
    for (const auto& input : of.inputs[reader])
      if (input.unit == static_cast<int>(unit) && input.port.empty())
        add_names_behind(definition.name, of.made.units[reader].definition.own.dump(), names);
  std::erase_if(names, [&](const auto& name) {
    const auto& all = definition.columns;
    return definition.types.contains(name) || (definition.metadata.is_object() && definition.metadata.contains(name)) ||
           (!all.empty() && std::find(all.begin(), all.end(), name) == all.end());
  });
  if (names.empty()) return;
  auto sampled = of.made.units[unit];
  sampled.definition.types = {};
  diagnostics ignored;
  const auto made = instantiate_source(sampled, context, ignored);
  if (made == nullptr) return;
  const auto schema = made->schema();
  for (const auto& name : names)
    if (const auto field = schema->GetFieldByName(name)) definition.types[name] = type_name(*field->type());
}

}  // namespace sluice
