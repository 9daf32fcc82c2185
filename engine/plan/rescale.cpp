#include "engine/plan/rescale.hpp"

#include "engine/component/state.hpp"
#include "engine/error/names.hpp"

#include <algorithm>

namespace sluice {

namespace {

error not_scalable(const std::string& unit, const std::string& why, const std::string& hint = {}) {
  return user_error("not_scalable", "unit " + unit + " can't be scaled: " + why, hint);
}

status check(const plan& from, int unit, int instances, const transform& bound) {
  const auto& planned = from.units[static_cast<std::size_t>(unit)];
  const auto& name = planned.definition.name;
  const auto most = static_cast<int>(key_group_count);
  if (instances < 1 || instances > most)
    return not_scalable(name, "the number of its instances must be from 1 to " + std::to_string(most));
  if (instances == planned.parallelism)
    return not_scalable(name, "it has " + std::to_string(instances) + " instances already");
  for (const auto at : from.edges_into(unit)) {
    const auto& edge = from.edges[static_cast<std::size_t>(at)];
    const auto how = bound.input_partitioning(edge.to_input).how;
    if (how == partitioning::kind::single)
      return not_scalable(name, planned.definition.component + " runs as one instance here");
    if (edge.kind == edge_kind::broadcast) return not_scalable(name, "each of its instances gets all rows of an input");
    if (edge.restore_order) return not_scalable(name, "it takes its rows in the order of the source");
  }
  return {};
}

using bound_transforms = std::vector<std::unique_ptr<transform>>;

/// Rows of an edge of the unit. Never to the instance of the same number: what the instances had counted before would
/// not add up.
void spread(planned_edge& edge, int receivers, const partitioning& wanted) {
  const bool hashed = receivers > 1 && wanted.how == partitioning::kind::by_keys;
  edge.kind = hashed ? edge_kind::hash : receivers > 1 ? edge_kind::round_robin : edge_kind::forward;
  edge.keys = hashed ? wanted.keys : std::vector<std::string>();
  edge.key_types = hashed ? wanted.key_types : std::vector<std::shared_ptr<arrow::DataType>>();
}

void spread_anew(plan& made, int unit, const bound_transforms& bound) {
  std::vector<bool> ordered(made.units.size(), false);  // the unit's output carries valid order keys
  for (std::size_t at = 0; at < made.units.size(); ++at) {
    const auto& receiver = made.units[at];
    bool keys_kept = false;
    for (const auto into : made.edges_into(static_cast<int>(at))) {
      auto& edge = made.edges[static_cast<std::size_t>(into)];
      if (edge.from_unit == unit || edge.to_unit == unit)
        spread(edge, receiver.parallelism, bound[at] ? bound[at]->input_partitioning(edge.to_input) : partitioning{});
      edge.ordered = edge.ordered && ordered[static_cast<std::size_t>(edge.from_unit)];
      edge.restore_order = edge.restore_order && edge.ordered;
      if (edge.to_input == 0) keys_kept = edge.ordered && edge.kind != edge_kind::hash;
    }
    if (receiver.definition.role == unit_role::extract) ordered[at] = true;
    if (bound[at]) ordered[at] = bound[at]->keeps_order() ? keys_kept : receiver.parallelism == 1;
  }
}

}  // namespace

result<plan> with_parallelism(const plan& from, const std::string& unit, int instances, const run_context& context) {
  const auto index = from.find(unit);
  std::vector<std::string> names;
  for (const auto& one : from.units)
    if (one.definition.role == unit_role::transform) names.push_back(one.definition.name);
  if (!index) {
    const auto near = nearest_name(unit, names);
    return user_error("unknown_unit", "the run has no unit " + unit,
                      near.empty() ? "sluice status shows its units" : "did you mean " + near + "?");
  }
  if (from.units[static_cast<std::size_t>(*index)].definition.role != unit_role::transform)
    return not_scalable(unit, "only transforms can be", "transforms of the run: " + joined(names));
  auto made = from;
  const auto count = made.units.size();
  bound_transforms bound(count);
  for (std::size_t at = 0; at < count; ++at)
    if (made.units[at].definition.role == unit_role::transform) {
      SLUICE_ASSIGN(bound[at], make_transform(from, static_cast<int>(at), context));
    }
  SLUICE_TRY(check(from, *index, instances, *bound[static_cast<std::size_t>(*index)]));
  made.units[static_cast<std::size_t>(*index)].parallelism = instances;
  made.units[static_cast<std::size_t>(*index)].definition.parallelism = instances;
  for (auto& one : made.definition.units)
    if (one.name == unit) one.parallelism = instances;
  spread_anew(made, *index, bound);
  return made;
}

}  // namespace sluice
