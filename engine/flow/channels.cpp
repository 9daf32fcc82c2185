#include "engine/flow/channels.hpp"

#include <algorithm>
#include <set>

namespace sluice::flow {

std::vector<instance_id> instances_of(const plan& of) {
  std::vector<instance_id> all;
  for (std::uint32_t unit = 0; unit < of.units.size(); ++unit) {
    if (of.units[unit].definition.role == unit_role::extract) all.push_back({unit, instance_id::enumerator});
    for (int i = 0; i < of.units[unit].parallelism; ++i) all.push_back({unit, static_cast<std::uint32_t>(i)});
  }
  return all;
}

std::vector<channel_id> channels_of(const plan& of, std::uint32_t edge) {
  const auto& e = of.edges[edge];
  const auto senders = static_cast<std::uint32_t>(of.units[static_cast<std::size_t>(e.from_unit)].parallelism);
  const auto receivers = static_cast<std::uint32_t>(of.units[static_cast<std::size_t>(e.to_unit)].parallelism);
  std::vector<channel_id> all;
  for (std::uint32_t from = 0; from < senders; ++from) {
    if (e.kind == edge_kind::forward) {
      all.push_back({edge, from, from % receivers});
    } else {
      for (std::uint32_t to = 0; to < receivers; ++to) all.push_back({edge, from, to});
    }
  }
  return all;
}

std::vector<channel_id> channels_of(const plan& of) {
  std::vector<channel_id> all;
  for (std::uint32_t edge = 0; edge < of.edges.size(); ++edge) {
    const auto some = channels_of(of, edge);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

namespace {

/// Adds the unit and all above it.
void add_above(const plan& of, int unit, std::set<int>& above) {
  if (!above.insert(unit).second) return;
  for (const auto& edge : of.edges)
    if (edge.to_unit == unit) add_above(of, edge.from_unit, above);
}

}  // namespace

bool may_hold_back(const plan& of, int unit, int input) {
  std::set<int> held;
  std::set<int> others;
  for (const auto& edge : of.edges)
    if (edge.to_unit == unit) add_above(of, edge.from_unit, edge.to_input == input ? held : others);
  return std::none_of(held.begin(), held.end(), [&](int one) { return others.count(one) > 0; });
}

std::string channel_name(const plan& of, const channel_id& channel) {
  const auto& e = of.edges[channel.edge];
  const auto& from = of.units[static_cast<std::size_t>(e.from_unit)];
  const auto& to = of.units[static_cast<std::size_t>(e.to_unit)];
  const auto named = [](const planned_unit& unit, const std::string& port, std::uint32_t instance) {
    auto text = unit.definition.name;
    if (!port.empty()) text += "." + port;
    if (unit.parallelism > 1) text += "[" + std::to_string(instance) + "]";
    return text;
  };
  const auto port = static_cast<std::size_t>(e.from_port);
  return "edge " + named(from, port < from.outputs.size() ? from.outputs[port].name : "", channel.from) + " -> " +
         named(to, "", channel.to);
}

}  // namespace sluice::flow
