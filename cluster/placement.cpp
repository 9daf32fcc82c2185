#include "cluster/placement.hpp"

#include "engine/component/component.hpp"
#include "engine/error/names.hpp"

#include <algorithm>

namespace sluice::cluster {

namespace {

bool runs_anywhere(const unit_definition& unit) {
  if (unit.role == unit_role::transform) return true;
  const auto kind = unit.role == unit_role::extract ? component_kind::source : component_kind::sink;
  const auto* found = find_component(kind, unit.component);
  return found != nullptr && found->spec.runs == locality::anywhere;
}

std::string list_of(const std::vector<placeable_node>& nodes) {
  std::string text;
  for (const auto& node : nodes) text += (text.empty() ? "" : ", ") + node.name;
  return text;
}

error unknown_node(const unit_definition& unit, const std::vector<placeable_node>& nodes) {
  std::vector<std::string> names;
  names.reserve(nodes.size());
  for (const auto& node : nodes) names.push_back(node.name);
  const auto near = nearest_name(unit.place.node, names);
  auto fault = user_error(
      "unknown_node",
      "unit " + unit.name + ": the cluster has no node named '" + unit.place.node + "', only " + list_of(nodes),
      near.empty() ? "see `sluice nodes`, or start one: sluice node --name " + unit.place.node + " --join ..."
                   : "did you mean '" + near + "'?");
  fault.path = unit_path(unit) + "/place/node";
  return fault;
}

error no_node_fits(const unit_definition& unit, const std::vector<placeable_node>& nodes) {
  std::string wanted;
  for (const auto& [name, value] : unit.place.labels)
    wanted.append(wanted.empty() ? "" : ", ").append(name).append(": ").append(value);
  auto fault =
      user_error("no_such_label",
                 "unit " + unit.name + ": no node has the labels { " + wanted + " } (there are " + list_of(nodes) + ")",
                 "start a node with --labels, or change place:");
  fault.path = unit_path(unit) + "/place/labels";
  return fault;
}

bool has_labels(const placeable_node& node, const std::map<std::string, std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto found = node.labels.find(label.first);
    return found != node.labels.end() && found->second == label.second;
  });
}

/// The nodes on which a pinned unit may run; empty with a fault where there are none.
std::vector<std::string> fitting(const unit_definition& unit, const std::vector<placeable_node>& nodes,
                                 diagnostics& faults) {
  std::vector<std::string> names;
  for (const auto& node : nodes)
    if (unit.place.node.empty() ? has_labels(node, unit.place.labels) : node.name == unit.place.node)
      names.push_back(node.name);
  if (names.empty()) faults.push_back(unit.place.node.empty() ? no_node_fits(unit, nodes) : unknown_node(unit, nodes));
  return names;
}

}  // namespace

std::map<flow::instance_id, std::string> place(const plan& of, const std::vector<placeable_node>& nodes,
                                               diagnostics& faults) {
  std::map<flow::instance_id, std::string> where;
  // The submitting node reads and writes the files: what is spread begins with the next one.
  std::size_t next = nodes.size() > 1 ? 1 : 0;
  for (std::uint32_t index = 0; index < of.units.size(); ++index) {
    const auto& unit = of.units[index];
    const bool pinned = !unit.definition.place.node.empty() || !unit.definition.place.labels.empty();
    std::vector<std::string> on;
    if (pinned) {
      on = fitting(unit.definition, nodes, faults);
      if (on.empty()) continue;
    }
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(unit.parallelism); ++i) {
      auto& node = where[{index, i}];
      if (pinned) {
        node = on[i % on.size()];
      } else if (runs_anywhere(unit.definition)) {
        node = nodes[next++ % nodes.size()].name;
      } else {
        node = nodes.front().name;
      }
    }
    if (unit.definition.role == unit_role::extract) where[{index, flow::instance_id::enumerator}] = where[{index, 0}];
  }
  return where;
}

}  // namespace sluice::cluster
