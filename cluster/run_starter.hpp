#pragma once

#include "actors/run/follow_messages.hpp"
#include "cluster/kept_parts.hpp"
#include "cluster/node_messages.hpp"
#include "cluster/placement.hpp"
#include "cluster/run_part.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sluice::cluster {

/// The first node's part in starting runs: places instances, has the nodes start and wire them, and answers the
/// supervisor. Belongs to the node actor; no thread of its own.
class run_starter {
 public:
  struct worker {
    placeable_node node;
    caf::actor handle;
  };
  /// The nodes as they are now, the first one first.
  using workers_function = std::function<std::vector<worker>()>;

  /// `runs_folder`: where the runs have their files, as other nodes see the folder.
  run_starter(caf::event_based_actor* self, std::string own_name, std::int64_t term, workers_function workers,
              std::string runs_folder)
      : self_(self),
        own_name_(std::move(own_name)),
        term_(term),
        workers_(std::move(workers)),
        runs_folder_(std::move(runs_folder)) {}

  void set_session(std::string session) { session_ = std::move(session); }
  /// A controller that has just begun: runs that go on (not new ones) wait `grace` for the workers of the one before
  /// it, and up to `limit` where they fit nowhere without them.
  void wait_for_workers(std::chrono::milliseconds grace, std::chrono::milliseconds limit);
  /// Runs whose kept parts will be looked for (`find`).
  void expect(const std::vector<std::string>& runs) { sought_.insert(runs.begin(), runs.end()); }
  /// A node that joins has kept parts of runs. What no run is taken over of, it drops.
  void offered(const std::string& node, const caf::actor& handle, const std::vector<kept_part>& parts);
  /// Looks whether nodes have kept all of a run; `then` is called as soon as that is known, with none where they have
  /// not. A node that was cut off from its controller needs a moment to find this one.
  using found_function = std::function<void(std::vector<actors::launched_instance>)>;
  void find(const std::shared_ptr<const actors::run_setup>& setup, const found_function& then);
  /// Makes a supervisor the one that they obey.
  void take(const actors::take_parts& message);
  void drop(const std::string& run);
  /// `own` makes this node's part of a run.
  using part_function = std::function<run_part&(const std::shared_ptr<const actors::run_setup>&)>;
  void launch(const actors::launch& message, const part_function& own);
  void started(part_started message, const std::function<run_part*(const std::string&)>& own);
  void wired(const part_wired& message);
  void failed(const std::string& run, const error& why);
  /// Ends what the runs had on the other nodes; gives the run's id if `supervisor` is one of theirs.
  std::string supervisor_gone(const caf::actor_addr& supervisor);
  /// A node has gone: fails the runs that used it, which then begin again on the others. `how` says what is known of
  /// its end.
  void node_gone(const node_info& node, const std::string& how);
  /// Whether a run has a part on a node.
  [[nodiscard]] bool uses(const std::string& node) const;
  /// The runs that have.
  [[nodiscard]] std::vector<std::shared_ptr<const actors::run_setup>> runs_on(const std::string& node) const;

 private:
  struct run_state {
    std::shared_ptr<const actors::run_setup> setup;
    caf::actor supervisor;
    caf::actor rejects;
    std::map<flow::instance_id, std::string> where;
    std::map<std::string, caf::actor> nodes;  ///< others than this one
    std::set<std::string> waiting;            ///< nodes that have not answered
    std::vector<actors::launched_instance> all;
  };
  /// True where it is launched again later.
  bool waits(const actors::launch& message, const part_function& own, bool fits);
  [[nodiscard]] error cant_place(const actors::run_setup& setup, const diagnostics& faults) const;
  [[nodiscard]] std::string seen_by_others(const std::string& checkpoints) const;
  void send_parts(run_state& run);
  void wire(run_state& run, run_part* own);
  void finish(run_state& run);

  caf::event_based_actor* self_;
  std::string own_name_;
  std::int64_t term_;
  workers_function workers_;
  std::string runs_folder_;
  std::string session_;
  std::map<std::string, run_state> runs_;
  kept_parts kept_;
  std::set<std::string> sought_;  ///< runs of which it is not known yet whether they are taken over
  std::map<std::string, std::chrono::steady_clock::time_point> sought_until_;  ///< by run that is looked for
  std::chrono::milliseconds grace_length_{0};
  std::chrono::steady_clock::time_point grace_;  ///< until then runs wait that go on
  std::chrono::steady_clock::time_point limit_;  ///< until then those that fit nowhere
  std::map<std::string, error> lost_;            ///< by run: the loss of a node after which it begins again
};

}  // namespace sluice::cluster
