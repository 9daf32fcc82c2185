#include "engine/plan/push_filters.hpp"

#include "engine/component/filters_first.hpp"
#include "engine/expression/bind/volatility.hpp"
#include "engine/expression/expression.hpp"
#include "engine/plan/unit_graph.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

/// The only unit that reads a source's rows.
std::optional<std::size_t> only_reader(const draft& of, std::size_t source) {
  std::optional<std::size_t> reader;
  for (std::size_t at = 0; at < of.inputs.size(); ++at)
    for (const auto& input : of.inputs[at]) {
      if (static_cast<std::size_t>(input.unit) != source || input.port == rejects_port_name) continue;
      if (reader) return {};
      reader = at;
    }
  return reader;
}

bool can_be_pushed(const std::string& condition, const planned_unit& source, const run_context& context) {
  const auto& schema = source.outputs.front().schema;
  expression::scope names;
  names.inputs.push_back({.qualifier = source.definition.name, .schema = schema});
  names.context = &context;
  names.unit = source.definition.name;
  diagnostics faults;
  const auto bound = expression::bind_condition(condition, names, {}, faults);
  if (!bound || expression::is_volatile(bound) || bound->columns().empty()) return false;
  // What the reader itself fills in is not there yet when it decides.
  const auto& metadata = source.definition.metadata;
  return std::none_of(bound->columns().begin(), bound->columns().end(), [&](int column) {
    return metadata.is_object() && metadata.contains(schema->field(column)->name());
  });
}

}  // namespace

void push_filters(draft& of, const run_context& context) {
  for (std::size_t at = 0; at < of.made.units.size(); ++at) {
    auto& unit = of.made.units[at];
    if (unit.definition.role != unit_role::extract) continue;
    if (!of.can_filter[at]) continue;
    const auto reader = only_reader(of, at);
    if (!reader) continue;
    const auto* filtering = dynamic_cast<const filters_first*>(of.transforms[*reader].get());
    const auto condition = filtering != nullptr ? filtering->first_condition() : std::nullopt;
    if (condition && can_be_pushed(*condition, unit, context)) unit.filter = *condition;
  }
}

std::optional<int> unit_of_filter(const plan& of, int source) {
  const auto& unit = of.units[static_cast<std::size_t>(source)];
  if (unit.filter.empty()) return {};
  for (const int edge : of.edges_from(source)) {
    const auto& one = of.edges[static_cast<std::size_t>(edge)];
    if (one.from_port != unit.rejects_port) return one.to_unit;
  }
  return {};
}

}  // namespace sluice
