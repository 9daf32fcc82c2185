#pragma once

#include "actors/messages.hpp"
#include "actors/run/run_setup.hpp"
#include "actors/units/blocking_calls.hpp"
#include "engine/flow/channels.hpp"
#include "engine/runs/commits.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sluice::actors {

/// Sees to it that what a run has decided to commit becomes visible: its sinks do it, and where one of them can't, or
/// is gone with its node, it is done here, as often as needed. Part of the supervisor.
class committer {
 public:
  struct callbacks {
    /// A sink is to commit.
    std::function<void(const flow::instance_id&, commit_load)> tell;
    std::function<void()> done;             ///< all is visible
    std::function<void(error)> refused;     ///< commit_refused
    std::function<void(error)> unfinished;  ///< commit_unfinished: patience is over
  };
  committer(caf::event_based_actor* self, std::shared_ptr<io_pool> pool, std::shared_ptr<const run_setup> setup,
            callbacks calls);

  using prepared = std::pair<flow::instance_id, store::prepared_sink>;

  /// The decision is durable: these are to be committed, the epochs of a sink in their order. `last`: nothing follows.
  void begin(const std::vector<prepared>& what, bool last);
  void committed(const flow::instance_id& who);
  /// A sink could not commit, or is gone; false where it was not asked to.
  bool failed(const flow::instance_id& who, error why);
  /// Somebody waits for the end: what can't be done at once is left to the next process.
  void hurry();
  /// Removes what sinks have left of a run that has decided nothing, but for `kept`.
  void clean_up(std::vector<store::prepared_sink> kept);
  void close();

 private:
  /// What one sink has to make visible.
  struct epochs {
    std::vector<store::prepared_sink> what = {};
    std::size_t visible = 0;  ///< of them, from the first on
    std::optional<error> problem = {};
  };
  void go_on();
  void tell(const flow::instance_id& who, bool at_once);
  void tell_all(bool at_once);
  void repeat();
  void repeated(const std::vector<sink_outcome>& outcomes);

  caf::event_based_actor* self_;
  blocking_calls io_;
  std::shared_ptr<const run_setup> setup_;
  std::optional<std::chrono::milliseconds> patience_;
  callbacks calls_;
  std::shared_ptr<interrupt_switch<sink>> stop_ = std::make_shared<interrupt_switch<sink>>();  ///< of repeated commits
  std::map<flow::instance_id, epochs> sinks_;
  std::set<flow::instance_id> asked_;  ///< told to commit, no answer yet
  bool last_ = true;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::milliseconds pause_{};
  bool over_ = true;
};

}  // namespace sluice::actors
