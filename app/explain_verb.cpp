#include "app/planning.hpp"
#include "app/verbs.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::vector<std::string> set;
  std::string config;
};

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

options plan_json(const plan& what) {
  options out = {{"pipeline", what.definition.name}, {"units", options::array()}, {"edges", options::array()}};
  for (const auto& unit : what.units) {
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
  for (const auto& edge : what.edges) {
    options entry = {{"from", what.units[static_cast<std::size_t>(edge.from_unit)].definition.name},
                     {"to", what.units[static_cast<std::size_t>(edge.to_unit)].definition.name},
                     {"kind", edge_name(edge.kind)}};
    if (!edge.keys.empty()) entry["keys"] = edge.keys;
    out["edges"].push_back(std::move(entry));
  }
  return out;
}

result<int> explain_file(session& with, const chosen& what) {
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  planning_request request;
  request.file = what.file;
  request.set = what.set;
  request.config = what.config;
  const auto planned = plan_pipeline(with, request, faults, source);
  if (!planned) {
    report_faults(with, faults, source.get());
    return exit_code_of(faults);
  }
  report_faults(with, planned->what->warnings, source.get(), "warning");
  if (with.options.json)
    with.terminal.out(plan_json(*planned->what).dump(2) + "\n");
  else
    with.terminal.prose(explain(*planned->what));
  return exit_succeeded;
}

}  // namespace

command explain_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {file_argument(what->file)},
                    .options = {set_option(what->set), config_option(what->config)}},
          .run = [what](session& with) { return explain_file(with, *what); }};
}

}  // namespace sluice::app
