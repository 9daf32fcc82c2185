#pragma once

#include "cluster/node_messages.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::cluster {

/// What workers say that they have kept of the runs of a controller that has gone. A controller that has just begun
/// collects it until it knows of each run whether it takes it over. No actor, no clock.
class kept_parts {
 public:
  struct one {
    caf::actor node;
    std::uint32_t attempt = 1;
    std::vector<actors::launched_instance> instances;
  };
  using by_node = std::map<std::string, one>;

  void offered(const std::string& node, const caf::actor& handle, const kept_part& part);
  void node_gone(const std::string& node);
  /// Whether anything of this try was offered.
  [[nodiscard]] bool any(const std::string& run, std::uint32_t attempt) const;
  /// All instances of a try; nothing where some are missing, or one is there twice.
  [[nodiscard]] std::optional<std::vector<actors::launched_instance>> all_of(
      const std::string& run, std::uint32_t attempt, const std::vector<flow::instance_id>& wanted) const;
  /// What there is of a run, which is forgotten.
  by_node take(const std::string& run);

 private:
  std::map<std::string, by_node> runs_;
};

}  // namespace sluice::cluster
