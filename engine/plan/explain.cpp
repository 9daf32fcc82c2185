#include "engine/error/names.hpp"
#include "engine/plan/plan.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

constexpr std::size_t widest_options = 300;

std::string counted(int count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string spread(const planned_edge& edge) {
  std::string text;
  switch (edge.kind) {
    case edge_kind::forward:
      text = "forward";
      break;
    case edge_kind::round_robin:
      text = "round robin";
      break;
    case edge_kind::hash:
      text = "by hash of " + joined(edge.keys);
      break;
    case edge_kind::broadcast:
      text = "to every instance";
      break;
  }
  if (edge.restore_order) text += ", put in order";
  return text;
}

std::string placed(const placement& place) {
  if (!place.node.empty()) return ", on node " + place.node;
  std::string text;
  for (const auto& [name, value] : place.labels)
    text += (text.empty() ? ", on a node with " : ", ") + name + "=" + value;
  return text;
}

/// `path "in.csv", header true`: options as words that can stand on several lines.
std::string options_text(const options& own) {
  if (!own.is_object()) return own.dump();
  std::string text;
  for (const auto& [name, value] : own.items()) text += (text.empty() ? "" : ", ") + name + " " + value.dump();
  return text;
}

std::string shortened(std::string text) {
  if (text.size() <= widest_options) return text;
  auto end = widest_options;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

}  // namespace

std::string explain(const plan& from) {
  auto edges = from.edges.size();
  // Edges are chosen when all columns are known.
  if (from.edges.empty())
    for (const auto& unit : from.units) edges += unit.definition.from.size();
  std::string text = "pipeline " + from.definition.name + ": " + counted(static_cast<int>(from.units.size()), "unit") +
                     ", " + counted(static_cast<int>(edges), "edge") + "\n";
  for (std::size_t at = 0; at < from.units.size(); ++at) {
    const auto& unit = from.units[at];
    const auto& definition = unit.definition;
    text += "\n" + std::string(to_string(definition.role)) + " " + definition.name + ": " + definition.component;
    if (!definition.mode.empty()) text += ", mode " + definition.mode;
    if (!definition.key.empty()) text += " by " + joined(definition.key);
    text += ", " + counted(unit.parallelism, definition.role == unit_role::extract ? "reader" : "instance");
    text += std::string(", on_error ") + (unit.policy == on_error::fail     ? "fail"
                                          : unit.policy == on_error::reject ? "reject"
                                                                            : "set_null");
    text += placed(definition.place) + "\n";
    if (!definition.own.is_null()) text += "  with   " + shortened(options_text(definition.own)) + "\n";
    for (const int edge : from.edges_into(static_cast<int>(at))) {
      const auto& in = from.edges[static_cast<std::size_t>(edge)];
      const auto& sender = from.units[static_cast<std::size_t>(in.from_unit)];
      const auto& port = sender.outputs[static_cast<std::size_t>(in.from_port)].name;
      text += "  from   " + sender.definition.name + (port.empty() ? "" : "." + port) + " (" + spread(in) + ")\n";
    }
    if (from.edges.empty())
      for (const auto& sender : definition.from) text += "  from   " + sender + "\n";
    if (!unit.needed.empty() && unit.resolved != nullptr)
      text += "  reads  " + std::to_string(unit.needed.size()) + " of " +
              counted(unit.resolved->num_fields(), "column") + "\n";
    if (!unit.filter.empty()) text += "  keeps  only rows with " + unit.filter + "\n";
    const auto& rule = definition.incremental;
    if (rule.by == incremental_rule::way::file) text += "  reads  only files that no earlier run has loaded\n";
    if (rule.by == incremental_rule::way::column)
      text += "  reads  only rows with a higher " + rule.column + " than earlier runs have loaded\n";
    if (definition.contract != column_contract::none)
      text += std::string("  checks columns with contract: ") + to_string(definition.contract) + "\n";
    for (const auto& output : unit.outputs)
      text += "  gives  " + (output.name.empty() ? "" : output.name + ": ") + schema_text(*output.schema) + "\n";
    if (definition.role != unit_role::load && unit.outputs.empty())
      text += "  gives  unknown columns: a secret is not set, here or above\n";
    if (definition.role == unit_role::load && !unit.inputs.empty())
      text += "  loads  " + schema_text(*unit.inputs.front().schema) + "\n";
  }
  for (const auto& warning : from.warnings)
    text += "\nwarning[" + warning.code + "] " + warning.where + ": " + warning.message + "\n";
  return text;
}

}  // namespace sluice
