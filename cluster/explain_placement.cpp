#include "cluster/explain_placement.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace sluice::cluster {

namespace {

/// "n2, n3, n2" is long for many instances: "n2 (2), n3".
std::string counted(const options& nodes) {
  std::vector<std::string> order;
  std::map<std::string, int> counts;
  for (const auto& node : nodes) {
    if (counts[node.text()]++ == 0) order.push_back(node.text());
  }
  std::string text;
  for (const auto& name : order)
    text += (text.empty() ? "" : ", ") + name + (counts[name] > 1 ? " (" + std::to_string(counts[name]) + ")" : "");
  return text;
}

}  // namespace

void add_placement(options& explained, const plan& of, const placed_plan& where) {
  const auto node_of = [&](int unit, int instance) {
    const auto found = where.find({static_cast<std::uint32_t>(unit), static_cast<std::uint32_t>(instance)});
    return found == where.end() ? std::string() : found->second;
  };
  for (std::size_t at = 0; at < of.units.size(); ++at) {
    auto nodes = options::array();
    for (int i = 0; i < of.units[at].parallelism; ++i) nodes.push_back(node_of(static_cast<int>(at), i));
    explained["units"][at]["nodes"] = std::move(nodes);
  }
  for (std::size_t at = 0; at < of.edges.size(); ++at) {
    const auto& edge = of.edges[at];
    const int from = of.units[static_cast<std::size_t>(edge.from_unit)].parallelism;
    const int to = of.units[static_cast<std::size_t>(edge.to_unit)].parallelism;
    const bool paired = edge.kind == edge_kind::forward && from == to;
    std::int64_t channels = 0;
    std::int64_t remote = 0;
    for (int i = 0; i < from; ++i)
      for (int j = paired ? i : 0; j < (paired ? i + 1 : to); ++j) {
        ++channels;
        if (node_of(edge.from_unit, i) != node_of(edge.to_unit, j)) ++remote;
      }
    explained["edges"][at]["channels"] = channels;
    explained["edges"][at]["remote"] = remote;
  }
}

std::string placement_text(const options& explained) {
  std::string text = "placement\n";
  std::size_t widest = 0;
  for (const auto& unit : explained.at("units")) widest = std::max(widest, unit.at("unit").text().size());
  for (const auto& unit : explained.at("units")) {
    const auto name = unit.at("unit").text();
    text += "  " + name + std::string(widest - name.size() + 2, ' ') + counted(unit.at("nodes")) + "\n";
  }
  bool any = false;
  for (const auto& edge : explained.at("edges")) {
    const auto remote = edge.at("remote").get<std::int64_t>();
    if (remote == 0) continue;
    if (!any) text += "rows that travel between nodes\n";
    any = true;
    text += "  " + edge.at("from").text() + " -> " + edge.at("to").text() + ": " + edge.at("kind").text();
    if (edge.contains("keys")) {
      std::string keys;
      for (const auto& key : edge.at("keys")) keys += (keys.empty() ? "" : ", ") + key.text();
      text += "(" + keys + ")";
    }
    text += ", " + std::to_string(remote) + " of " + std::to_string(edge.at("channels").get<std::int64_t>()) +
            " channels\n";
  }
  if (!any) text += "no rows travel between nodes\n";
  return text;
}

}  // namespace sluice::cluster
