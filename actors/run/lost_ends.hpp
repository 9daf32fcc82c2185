#pragma once

#include "actors/run/run_setup.hpp"
#include "actors/units/blocking_calls.hpp"
#include "engine/runs/lost_runs.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace sluice::actors {

/// Ends runs that nobody supervises any more: those of this process whose supervisor has died, and those of other
/// processes that have died. Part of control.
class lost_ends {
 public:
  struct callbacks {
    std::function<void(std::shared_ptr<const run_outcome>)> ended;  ///< a run of this process
    std::function<void(store::event)> told;                         ///< the last event of any of them
  };
  lost_ends(caf::event_based_actor* self, std::shared_ptr<io_pool> pool, std::shared_ptr<store::store> in,
            sink_maker make_sink, callbacks calls);

  /// Nobody else takes over from a process that lives: the run is ended here, its commits repeated if they are due. A
  /// Store or a target that does not answer now is asked again.
  void end(const std::shared_ptr<const run_setup>& setup, const error& cause);
  /// A run whose commits are due and whose supervisor has gone is nobody's now, or it would wait until this process
  /// ends.
  void leave_to_next(const std::string& run);
  /// Looks for runs of dead processes that often, from now on.
  void keep_settling(std::chrono::milliseconds interval);
  /// While somebody waits for the units of a dead process's run, such runs are left alone: calls with true and false
  /// are counted.
  void wait(bool on) { waiting_ += on ? 1 : -1; }
  /// Nothing is tried again from now on.
  void stop() { stopped_ = true; }
  void close() { calls_ = {}; }

 private:
  using time_point = std::chrono::steady_clock::time_point;
  void end_since(const std::shared_ptr<const run_setup>& setup, const error& cause, time_point since);
  void settle(std::chrono::milliseconds interval);

  caf::event_based_actor* self_;
  blocking_calls own_;
  blocking_calls others_;  ///< may wait for targets
  std::shared_ptr<store::store> store_;
  sink_maker make_sink_;  ///< repeats the commits of others
  callbacks calls_;
  bool stopped_ = false;
  int waiting_ = 0;
};

}  // namespace sluice::actors
