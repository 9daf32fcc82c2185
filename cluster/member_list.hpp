#pragma once

#include "cluster/membership.hpp"
#include "cluster/node_messages.hpp"
#include "cluster/placement.hpp"
#include "engine/store/store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster {

/// The first node's list of members: who is let in, how each does, who was lost; and the events that tell of it. Takes
/// the time as an argument.
class member_list {
 public:
  using time = membership::time;
  struct callbacks {
    std::function<void(store::event)> told;        ///< to be kept
    std::function<void(const std::string&)> log;   ///< one line
    std::function<bool(const std::string&)> used;  ///< whether a run has a part on that node
  };
  member_list(node_info own, membership_limits limits, callbacks tell)
      : own_(std::move(own)), members_(limits), tell_(std::move(tell)) {}

  /// Why a node is not let in; nothing: it may join.
  [[nodiscard]] std::optional<error> refusal(const node_info& who) const;
  void add(const node_info& who, time now);
  /// A member has gone: shut down by its own will, or lost; `how` says what is known of its end.
  void remove(const std::string& name, const std::string& how, bool lost);
  /// False: no such member, so it has to join again.
  bool beat(const heartbeat& message, time now);
  /// To be called once an interval; gives the members that have just been lost, with how long they were silent.
  std::vector<membership::change> look(time now);
  /// Errors: node_not_found, no_drain (the first node itself).
  status drain(const std::string& name, bool draining);
  /// Draining members on which nothing works any more, each told once: call it where one may have become empty.
  void tell_drained();

  [[nodiscard]] const membership_limits& limits() const { return members_.limits(); }
  /// Every member, this node first, then those that were lost.
  [[nodiscard]] std::vector<node_status> table(const member_report& own) const;

 private:
  struct member {
    node_info info;
    bool shares_runs = false;
    bool draining = false;
    bool drained = false;  ///< and told
  };
  void tell(const char* type, const std::string& name, options more);

  node_info own_;
  membership members_;
  std::map<std::string, member> all_;
  std::map<std::string, node_status> lost_;
  callbacks tell_;
};

/// A member as placement sees it.
placeable_node placeable(const node_status& of);
/// All that are not lost, in their order.
std::vector<placeable_node> placeable(const std::vector<node_status>& table);
/// A member as the API shows it.
options to_json(const node_status& of);

}  // namespace sluice::cluster
