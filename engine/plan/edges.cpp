#include "engine/plan/edges.hpp"

#include <algorithm>
#include <thread>

namespace sluice {

namespace {

bool is_single(const transform& unit, std::size_t inputs) {
  for (std::size_t input = 0; input < inputs; ++input)
    if (unit.input_partitioning(static_cast<int>(input)).how == partitioning::kind::single) return true;
  return false;
}

edge_kind kind_of(const planned_unit& from, const planned_unit& to, const partitioning& wanted) {
  if (to.parallelism == 1) return edge_kind::forward;
  if (wanted.how == partitioning::kind::by_keys) return edge_kind::hash;
  // Readers of a source are not tied to instances of what follows it.
  const bool same = from.definition.role == unit_role::transform && from.parallelism == to.parallelism;
  return same ? edge_kind::forward : edge_kind::round_robin;
}

}  // namespace

void choose_parallelism(draft& of, diagnostics& faults) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (std::size_t at = 0; at < of.made.units.size(); ++at) {
    auto& unit = of.made.units[at];
    const auto& definition = unit.definition;
    unit.parallelism = definition.parallelism.value_or(definition.role == unit_role::extract ? cores : 1);
    if (unit.parallelism == 1) continue;
    if (definition.role == unit_role::load) {
      faults.push_back(unit_fault(definition, "/parallelism", "not_supported_yet",
                                  "parallelism of a sink is not supported yet",
                                  "remove parallelism:; a sink has one instance"));
    } else if (definition.role == unit_role::transform && of.transforms[at] != nullptr &&
               is_single(*of.transforms[at], of.inputs[at].size())) {
      unit.parallelism = 1;
      auto warning = unit_fault(definition, "/parallelism", "not_parallel",
                                definition.component + " can't run in parallel here; it runs as one instance");
      of.made.warnings.push_back(std::move(warning));
    }
  }
}

void connect(draft& of) {
  auto& units = of.made.units;
  std::vector<bool> ordered(units.size(), false);  // the unit's output carries valid order keys
  for (std::size_t at = 0; at < units.size(); ++at) {
    const auto& unit = units[at];
    const auto* bound = of.transforms[at].get();
    bool keys_kept = false;  // input 0 comes with order keys that the unit can pass on
    for (std::size_t input = 0; input < of.inputs[at].size(); ++input) {
      const auto& reference = of.inputs[at][input];
      const auto sender = static_cast<std::size_t>(reference.unit);
      const auto& outputs = units[sender].outputs;
      const auto port = std::find_if(outputs.begin(), outputs.end(),
                                     [&](const output_port& one) { return one.name == reference.port; });
      planned_edge edge;
      edge.from_unit = reference.unit;
      edge.from_port = port == outputs.end() ? 0 : static_cast<int>(port - outputs.begin());
      edge.to_unit = static_cast<int>(at);
      edge.to_input = static_cast<int>(input);
      const auto wanted = bound == nullptr ? partitioning{} : bound->input_partitioning(static_cast<int>(input));
      edge.kind = kind_of(units[sender], unit, wanted);
      if (edge.kind == edge_kind::hash) {
        edge.keys = wanted.keys;
        edge.key_types = wanted.key_types;
      }
      edge.ordered = ordered[sender] && edge.from_port != units[sender].rejects_port;
      edge.restore_order = edge.ordered && (bound == nullptr || bound->needs_order());
      if (input == 0) keys_kept = edge.ordered && edge.kind != edge_kind::hash;
      of.made.edges.push_back(std::move(edge));
    }
    // A source without end keeps the order of each split only: what waits for its place would wait for ever.
    if (unit.definition.role == unit_role::extract)
      ordered[at] = !unit.definition.any_order && !unit.endless && !of.unordered[at];
    if (bound != nullptr) ordered[at] = bound->keeps_order() ? keys_kept : unit.parallelism == 1;
  }
}

void choose_positions(draft& of) {
  auto& units = of.made.units;
  for (std::size_t at = units.size(); at-- > 0;) {
    const auto role = units[at].definition.role;
    // A transform names the record that it fails at, or rejects it.
    const bool names_rows = (role == unit_role::transform && units[at].policy != on_error::set_null) ||
                            (role == unit_role::load && units[at].policy == on_error::reject);
    if (!names_rows && !units[at].want_positions) continue;
    for (const auto& input : of.inputs[at]) units[static_cast<std::size_t>(input.unit)].want_positions = true;
  }
}

}  // namespace sluice
