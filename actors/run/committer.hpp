#pragma once

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
#include <vector>

namespace sluice::actors {

/// Sees to it that what a run has decided to commit becomes visible: its sinks do it, and where one of them can't, or
/// is gone with its node, it is done here, as often as needed. Part of the supervisor.
class committer {
 public:
  struct callbacks {
    /// A sink is to commit; `at_once`: it gives up where it would have to wait.
    std::function<void(const flow::instance_id&, const std::string& token, bool at_once)> tell;
    std::function<void()> done;             ///< all is visible
    std::function<void(error)> refused;     ///< commit_refused
    std::function<void(error)> unfinished;  ///< commit_unfinished: patience is over
  };
  committer(caf::event_based_actor* self, std::shared_ptr<io_pool> pool, std::shared_ptr<const run_setup> setup,
            callbacks calls);

  void prepared(const flow::instance_id& who, store::prepared_sink what);
  [[nodiscard]] std::vector<store::prepared_sink> all() const;

  /// The decision is durable.
  void begin();
  void committed(const flow::instance_id& who);
  /// A sink could not commit, or is gone.
  void failed(const flow::instance_id& who, error why);
  /// Somebody waits for the end: what can't be done at once is left to the next process.
  void hurry();
  /// Removes what sinks have left of a run that has decided nothing.
  void clean_up();
  void close();

 private:
  void go_on();
  void tell_all(bool at_once);
  void repeat();
  void repeated(const std::vector<sink_outcome>& outcomes);

  caf::event_based_actor* self_;
  blocking_calls io_;
  std::shared_ptr<const run_setup> setup_;
  std::optional<std::chrono::milliseconds> patience_;
  callbacks calls_;
  std::shared_ptr<interrupt_switch<sink>> stop_ = std::make_shared<interrupt_switch<sink>>();  ///< of repeated commits
  std::map<flow::instance_id, sink_outcome> sinks_;  ///< with the last problem of each
  std::set<flow::instance_id> asked_;                ///< told to commit, no answer yet
  std::set<flow::instance_id> visible_;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::milliseconds pause_{200};
  bool over_ = false;
};

}  // namespace sluice::actors
