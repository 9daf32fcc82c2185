#include "cluster/kept_parts.hpp"

#include <algorithm>
#include <utility>

namespace sluice::cluster {

void kept_parts::offered(const std::string& node, const caf::actor& handle, const kept_part& part) {
  runs_[part.run][node] = {handle, part.attempt, part.instances};
}

void kept_parts::node_gone(const std::string& node) {
  for (auto& [run, nodes] : runs_) nodes.erase(node);
  std::erase_if(runs_, [](const auto& entry) { return entry.second.empty(); });
}

bool kept_parts::any(const std::string& run, std::uint32_t attempt) const {
  const auto found = runs_.find(run);
  return found != runs_.end() && std::any_of(found->second.begin(), found->second.end(),
                                             [&](const auto& entry) { return entry.second.attempt == attempt; });
}

std::optional<std::vector<actors::launched_instance>> kept_parts::all_of(
    const std::string& run, std::uint32_t attempt, const std::vector<flow::instance_id>& wanted) const {
  std::vector<actors::launched_instance> all;
  std::set<flow::instance_id> left(wanted.begin(), wanted.end());
  const auto found = runs_.find(run);
  if (found == runs_.end()) return {};
  for (const auto& [node, part] : found->second) {
    if (part.attempt != attempt) continue;
    for (const auto& instance : part.instances) {
      if (left.erase(instance.who) == 0) return {};
      all.push_back(instance);
    }
  }
  if (!left.empty()) return {};
  return all;
}

kept_parts::by_node kept_parts::take(const std::string& run) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return {};
  auto taken = std::move(found->second);
  runs_.erase(found);
  return taken;
}

}  // namespace sluice::cluster
