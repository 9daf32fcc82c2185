#pragma once

#include "actors/run/lost_tries.hpp"
#include "actors/run/run_setup.hpp"
#include "app/planning.hpp"

#include <chrono>
#include <csignal>

namespace sluice::app {

/// Makes what the engine runs: the run's record (with this process as its home) and its files in the state folder.
std::shared_ptr<actors::run_setup> make_setup(const session& with, const planned_pipeline& planned,
                                              const std::string& endpoint,
                                              std::shared_ptr<const actors::resume_point> from);

/// Remembers the signals that came to the engine's process; they are blocked, so that asking is all it takes.
class signals {
 public:
  /// True once Ctrl-C or TERM has come.
  bool stop_asked();
  /// The signal that came first: SIGINT, SIGTERM, or 0.
  [[nodiscard]] int first() const { return first_; }

 private:
  int first_ = 0;
};

/// How a run in this process ended.
struct engine_result {
  actors::run_outcome outcome;
  int signal = 0;  ///< that stopped it, or 0
};

class black_box;  // app/black_box.hpp

/// Where a run begins.
struct run_begin {
  std::shared_ptr<const actors::resume_point> from = {};  ///< the checkpoint that it continues after, or null
  const actors::lost_try* lost = nullptr;                 ///< it is the next try of this one
  black_box* left = nullptr;                              ///< takes its events, for when it dies
  options context = options::object();                    ///< kept with the run's record beside its own
};

/// Runs a planned pipeline to its end: shows progress, prints events under --json, serves the HTTP API meanwhile.
/// `ended` is called as soon as the outcome is known, before
/// anything is taken down. Then it waits for notifications, for `notify_wait` at most.
result<engine_result> run_planned(session& with, const planned_pipeline& planned, const run_begin& begin,
                                  std::chrono::milliseconds notify_wait,
                                  const std::function<void(const engine_result&)>& ended);

/// True where a unit writes its rows to stdout.
bool writes_to_stdout(const pipeline& what);

}  // namespace sluice::app
