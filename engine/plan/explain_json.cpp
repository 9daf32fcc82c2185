#include "engine/plan/explain_json.hpp"

#include "engine/values/types.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

options schema_json(const arrow::Schema& schema) {
  options columns = options::array();
  for (const auto& field : schema.fields())
    columns.push_back({{"name", field->name()}, {"type", type_name(*field->type())}});
  return columns;
}

const char* edge_name(edge_kind kind) {
  switch (kind) {
    case edge_kind::forward:
      return "forward";
    case edge_kind::round_robin:
      return "round_robin";
    case edge_kind::hash:
      return "hash";
    case edge_kind::broadcast:
      return "broadcast";
  }
  return "";
}

}  // namespace

options explain_json(const plan& of) {
  options out = {{"pipeline", of.definition.name}, {"units", options::array()}, {"edges", options::array()}};
  for (const auto& unit : of.units) {
    options entry = {{"unit", unit.definition.name},
                     {"role", to_string(unit.definition.role)},
                     {"component", unit.definition.component},
                     {"parallelism", unit.parallelism}};
    for (const auto& port : unit.outputs) {
      entry["outputs"].push_back({{"columns", schema_json(*port.schema)}});
      if (!port.name.empty()) entry["outputs"].back()["port"] = port.name;
    }
    if (unit.definition.role == unit_role::load && !unit.inputs.empty())
      entry["columns"] = schema_json(*unit.inputs.front().schema);
    if (!unit.filter.empty()) entry["filter"] = unit.filter;
    if (unit.definition.role == unit_role::extract) entry["needed"] = unit.needed;
    out["units"].push_back(std::move(entry));
  }
  for (const auto& edge : of.edges) {
    options entry = {{"from", of.units[static_cast<std::size_t>(edge.from_unit)].definition.name},
                     {"to", of.units[static_cast<std::size_t>(edge.to_unit)].definition.name},
                     {"kind", edge_name(edge.kind)}};
    if (!edge.keys.empty()) entry["keys"] = edge.keys;
    out["edges"].push_back(std::move(entry));
  }
  return out;
}

}  // namespace sluice
