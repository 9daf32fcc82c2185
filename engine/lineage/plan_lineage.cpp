#include "engine/lineage/plan_lineage.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::lineage {

namespace {

traced_rows rows_of_source(const planned_unit& of, int number) {
  traced_rows made;
  if (of.outputs.empty() || of.outputs.front().schema == nullptr) return made;
  const auto added = [&](const std::string& name) {
    return of.definition.metadata.is_object() && of.definition.metadata.contains(name);
  };
  for (const auto& field : of.outputs.front().schema->fields()) {
    traced_column column{.name = field->name()};
    // What is added about a row (its file, its offset) stands in no column of the source.
    if (!added(field->name())) column.from.push_back({.source = number, .column = field->name()});
    made.columns.push_back(std::move(column));
  }
  return made;
}

/// The columns that a port really has, of what was traced by name.
traced_rows fitted(const traced_rows& traced, const arrow::Schema& schema) {
  traced_rows made{.columns = {}, .rows = traced.rows};
  const auto named = [&](const std::string& name) {
    return std::find_if(traced.columns.begin(), traced.columns.end(),
                        [&](const auto& one) { return one.name == name; });
  };
  const auto rest = named("*");
  for (const auto& field : schema.fields()) {
    auto found = named(field->name());
    if (found == traced.columns.end()) found = rest;
    made.columns.push_back({field->name(), found == traced.columns.end() ? std::vector<origin>() : found->from});
  }
  return made;
}

/// A row that was rejected is told as a whole.
traced_rows rejected(const std::vector<traced_input>& inputs, const arrow::Schema& schema) {
  traced_rows all = trace("", options(), inputs);
  traced_rows made{.columns = {}, .rows = all.rows};
  for (const auto& field : schema.fields())
    made.columns.push_back({field->name(), field->name() == "record" && !all.columns.empty() ? all.columns.front().from
                                                                                             : std::vector<origin>()});
  return made;
}

}  // namespace

std::map<int, traced_rows> lineage_of(const plan& of) {
  std::vector<std::vector<traced_rows>> ports(of.units.size());
  std::map<int, traced_rows> loads;
  for (std::size_t at = 0; at < of.units.size(); ++at) {
    const auto& unit = of.units[at];
    const auto number = static_cast<int>(at);
    std::vector<traced_input> inputs;
    for (const auto edge : of.edges_into(number)) {
      const auto& by = of.edges[static_cast<std::size_t>(edge)];
      const auto& given = ports[static_cast<std::size_t>(by.from_unit)];
      const auto port = static_cast<std::size_t>(by.from_port);
      const auto input = static_cast<std::size_t>(by.to_input);
      inputs.push_back({input < unit.inputs.size() ? unit.inputs[input].unit : std::string(),
                        port < given.size() ? given[port] : traced_rows()});
    }
    if (unit.definition.role == unit_role::load) {
      if (!inputs.empty()) loads[number] = std::move(inputs.front().rows);
      continue;
    }
    const auto traced = unit.definition.role == unit_role::extract
                            ? rows_of_source(unit, number)
                            : trace(unit.definition.component, unit.definition.own, inputs);
    for (std::size_t port = 0; port < unit.outputs.size(); ++port) {
      const auto& schema = *unit.outputs[port].schema;
      const bool rejects = unit.rejects_port && *unit.rejects_port == static_cast<int>(port);
      if (rejects && unit.definition.role == unit_role::extract) inputs = {{unit.definition.name, traced}};
      ports[at].push_back(rejects ? rejected(inputs, schema) : fitted(traced, schema));
    }
  }
  return loads;
}

}  // namespace sluice::lineage
