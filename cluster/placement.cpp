#include "cluster/placement.hpp"

#include "engine/component/component.hpp"
#include "engine/error/names.hpp"

#include <algorithm>
#include <optional>

namespace sluice::cluster {

namespace {

bool runs_anywhere(const unit_definition& unit) {
  if (unit.role == unit_role::transform) return true;
  const auto kind = unit.role == unit_role::extract ? component_kind::source : component_kind::sink;
  const auto* found = find_component(kind, unit.component);
  return found != nullptr && found->spec.runs == locality::anywhere;
}

bool is_pinned(const unit_definition& unit) { return !unit.place.node.empty() || !unit.place.labels.empty(); }

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

std::string labels_of(const unit_definition& unit) {
  std::string wanted;
  for (const auto& [name, value] : unit.place.labels)
    wanted.append(wanted.empty() ? "" : ", ").append(name).append(": ").append(value);
  return "{ " + wanted + " }";
}

error no_node_fits(const unit_definition& unit, const std::vector<placeable_node>& nodes) {
  auto fault = user_error(
      "no_such_label",
      "unit " + unit.name + ": no node has the labels " + labels_of(unit) + " (there are " + list_of(nodes) + ")",
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

/// Why a node gets no part of a plan; empty: it may.
std::string objection(const placeable_node& node, bool has_checkpoints) {
  if (!node.works) return "is a controller and does no work";
  if (!node.state.empty()) return "is " + node.state;
  if (has_checkpoints && !node.shares_runs) return "does not see the folder of checkpoints of the submitting node";
  return {};
}

class placer {
 public:
  placer(const plan& of, const std::vector<placeable_node>& nodes, diagnostics& faults)
      : of_(of), nodes_(nodes), faults_(faults), has_checkpoints_(of.checkpoint_interval().has_value()) {
    for (const auto& node : nodes) {
      work_.push_back(node.units);
      may_.push_back(objection(node, has_checkpoints_).empty());
    }
  }

  placed_plan run() {
    // What can't be elsewhere comes first: the rest is laid around it.
    for (std::uint32_t index = 0; index < of_.units.size(); ++index) place_fixed(index);
    for (std::uint32_t index = 0; index < of_.units.size(); ++index)
      if (!is_placed(index)) place_beside(index);
    for (std::uint32_t index = 0; index < of_.units.size(); ++index)
      if (!is_placed(index)) spread(index);
    for (std::uint32_t index = 0; index < of_.units.size(); ++index)
      if (of_.units[index].definition.role == unit_role::extract && is_placed(index))
        where_[{index, flow::instance_id::enumerator}] = where_[{index, 0}];
    return std::move(where_);
  }

 private:
  [[nodiscard]] bool is_placed(std::uint32_t unit) const { return where_.count({unit, 0}) > 0 || failed(unit); }
  [[nodiscard]] bool failed(std::uint32_t unit) const {
    return std::find(failed_.begin(), failed_.end(), unit) != failed_.end();
  }
  [[nodiscard]] std::uint32_t instances_of(std::uint32_t unit) const {
    return static_cast<std::uint32_t>(of_.units[unit].parallelism);
  }

  void fail(std::uint32_t unit, error fault) {
    failed_.push_back(unit);
    faults_.push_back(std::move(fault));
  }

  void put(std::uint32_t unit, std::uint32_t instance, std::size_t node) {
    where_[{unit, instance}] = nodes_[node].name;
    ++work_[node];
  }

  // -- pinned, or where it was submitted

  void place_fixed(std::uint32_t index) {
    const auto& unit = of_.units[index].definition;
    std::vector<std::size_t> on;
    if (is_pinned(unit)) {
      on = fitting(index);
    } else if (!runs_anywhere(unit)) {
      on = at_submitter(index);
    } else {
      return;
    }
    if (on.empty()) return;
    for (std::uint32_t i = 0; i < instances_of(index); ++i) put(index, i, on[i % on.size()]);
  }

  /// The nodes on which a pinned unit may run; empty with a fault where there are none.
  std::vector<std::size_t> fitting(std::uint32_t index) {
    const auto& unit = of_.units[index].definition;
    std::vector<std::size_t> on;
    std::string objections;
    bool known = false;
    for (std::size_t at = 0; at < nodes_.size(); ++at) {
      const auto& node = nodes_[at];
      if (unit.place.node.empty() ? !has_labels(node, unit.place.labels) : node.name != unit.place.node) continue;
      known = true;
      if (may_[at]) {
        on.push_back(at);
      } else {
        objections += (objections.empty() ? "node " : "; node ") + node.name + " " + objection(node, has_checkpoints_);
      }
    }
    if (!known) {
      fail(index, unit.place.node.empty() ? no_node_fits(unit, nodes_) : unknown_node(unit, nodes_));
    } else if (on.empty()) {
      auto fault = user_error("node_not_available", "unit " + unit.name + ": " + objections,
                              "see `sluice nodes`; change place:, or repair that node");
      fault.path = unit_path(unit) + (unit.place.node.empty() ? "/place/labels" : "/place/node");
      fail(index, std::move(fault));
    }
    return on;
  }

  /// Draining does not keep local files from being read: nobody else can.
  std::vector<std::size_t> at_submitter(std::uint32_t index) {
    const auto& unit = of_.units[index].definition;
    if (nodes_.front().works) return {0};
    auto fault = user_error("node_not_available",
                            "unit " + unit.name + ": " + unit.component + " runs where it is submitted, and node " +
                                nodes_.front().name + " is a controller and does no work",
                            "place: it on a worker that sees its files, or give that node --role both");
    fault.path = unit_path(unit);
    fail(index, std::move(fault));
    return {};
  }

  // -- beside its neighbours

  /// The node of an instance, where it takes work.
  [[nodiscard]] std::optional<std::size_t> node_of(const flow::instance_id& who) const {
    const auto found = where_.find(who);
    if (found == where_.end()) return {};
    for (std::size_t at = 0; at < nodes_.size(); ++at)
      if (nodes_[at].name == found->second && may_[at]) return at;
    return {};
  }

  /// The node of all instances of a unit; none where they are on several.
  [[nodiscard]] std::optional<std::size_t> node_of_all(std::uint32_t unit) const {
    const auto node = node_of({unit, 0});
    for (std::uint32_t i = 1; i < instances_of(unit); ++i)
      if (node_of({unit, i}) != node) return {};
    return node;
  }

  /// Where the instances of a unit would stand beside those at the other end of an edge; empty: nowhere.
  [[nodiscard]] std::vector<std::size_t> beside(std::uint32_t index, const planned_edge& edge) const {
    const auto other =
        static_cast<std::uint32_t>(static_cast<int>(index) == edge.to_unit ? edge.from_unit : edge.to_unit);
    const auto count = instances_of(index);
    if (count == 1) {
      const auto node = node_of_all(other);
      return node ? std::vector<std::size_t>{*node} : std::vector<std::size_t>();
    }
    // The instances of a parallel unit would crowd on one node, unless each has a neighbour of its own.
    if (edge.kind != edge_kind::forward || instances_of(other) != count) return {};
    std::vector<std::size_t> on;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto node = node_of({other, i});
      if (!node) return {};
      on.push_back(*node);
    }
    return on;
  }

  void place_beside(std::uint32_t index) {
    auto edges = of_.edges_into(static_cast<int>(index));
    // Rows of many instances that end in one: it stands where they go on.
    if (instances_of(index) == 1)
      for (const auto edge : of_.edges_from(static_cast<int>(index))) edges.push_back(edge);
    for (const auto edge : edges) {
      const auto on = beside(index, of_.edges[static_cast<std::size_t>(edge)]);
      for (std::uint32_t i = 0; i < on.size(); ++i) put(index, i, on[i]);
      if (!on.empty()) return;
    }
  }

  // -- the rest

  void spread(std::uint32_t index) {
    place_beside(index);
    if (is_placed(index)) return;
    std::vector<std::uint32_t> of_unit(nodes_.size());
    for (std::uint32_t i = 0; i < instances_of(index); ++i) {
      std::optional<std::size_t> best;
      for (std::size_t at = 0; at < nodes_.size(); ++at)
        if (may_[at] && (!best || is_better(at, *best, of_unit))) best = at;
      if (!best) return fail(index, no_worker(of_.units[index].definition));
      ++of_unit[*best];
      put(index, i, *best);
    }
  }

  [[nodiscard]] bool is_better(std::size_t one, std::size_t than, const std::vector<std::uint32_t>& of_unit) const {
    if (of_unit[one] != of_unit[than]) return of_unit[one] < of_unit[than];
    const auto cores = [&](std::size_t at) { return std::uint64_t{std::max(1U, nodes_[at].cores)}; };
    return work_[one] * cores(than) < work_[than] * cores(one);
  }

  [[nodiscard]] error no_worker(const unit_definition& unit) const {
    std::string why;
    for (const auto& node : nodes_)
      why += (why.empty() ? "node " : "; node ") + node.name + " " + objection(node, has_checkpoints_);
    auto fault = user_error("no_worker", "unit " + unit.name + ": no node takes work: " + why,
                            "start a worker (sluice node --join ...), or wait until one is ready: sluice nodes");
    fault.path = unit_path(unit);
    return fault;
  }

  const plan& of_;
  const std::vector<placeable_node>& nodes_;
  diagnostics& faults_;
  const bool has_checkpoints_;
  std::vector<std::uint64_t> work_;  ///< instances, by node
  std::vector<bool> may_;            ///< get work
  std::vector<std::uint32_t> failed_;
  placed_plan where_;
};

}  // namespace

placed_plan place(const plan& of, const std::vector<placeable_node>& nodes, diagnostics& faults) {
  return placer(of, nodes, faults).run();
}

}  // namespace sluice::cluster
