#include "cluster/control/travelling.hpp"

#include "actors/run/follow_messages.hpp"
#include "actors/run/rule_messages.hpp"
#include "cluster/node_messages.hpp"

#include <set>

namespace sluice::cluster {

namespace {

template <class... Messages>
std::set<std::string, std::less<>> names_of() {
  return {std::string(caf::type_name<Messages>::value)...};
}

}  // namespace

bool may_travel(std::string_view type) {
  using namespace actors;
  static const auto names = names_of<
      // between instances, supervisors, enumerators and rejects writers of a run
      credit, stop_sending, want_split, take_split, want_room, room_given, no_more_splits, split_finished,
      splits_discovered, locate_rejects, rejects_located, store_rejects, rejects_stored, node_lost, begin_work,
      instance_started, instance_failed, rules_checked, instance_finished, report_progress, instance_progress,
      commit_load, committed, epoch_committed, abandon, abandoned, leave, time_reached, watermark_risen, begin_epoch,
      epoch_ready, epoch_passed, epoch_prepared, steer_run, instance_stands,
      // between nodes
      join_cluster, joined, join_refused, peer_joined, peer_left, leave_cluster, start_part, part_started, part_failed,
      wire_part, part_wired, release_part, join_elsewhere, heartbeat, heartbeat_unknown, ask_members, member_table,
      follow_part, drop_part>();
  return names.find(type) != names.end();
}

}  // namespace sluice::cluster
