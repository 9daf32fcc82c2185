#pragma once

#include "actors/messages.hpp"
#include "actors/run/run_setup.hpp"
#include "actors/units/instance.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace sluice::actors {

/// Registers all messages and sets the scheduler as Sluice needs it: few threads, small turns. `threads` 0: one a core.
void configure(caf::actor_system_config& config, std::size_t threads = 0);

/// The actors that stand beside the runs of one process.
struct engine_actors {
  node_services services;
  caf::actor starter;  ///< the local one, where none is given
  caf::actor notifier;
  caf::actor control;
};
/// Starts them in a system that was configured by `configure`. `starter` null: everything runs on this node.
/// `settle_interval`: how often runs of dead processes are ended; 0: never. `most_runs`: at a time; further ones wait.
engine_actors start_actors(caf::actor_system& system, std::shared_ptr<store::store> store, node_services services,
                           caf::actor starter = {}, std::chrono::milliseconds settle_interval = {},
                           std::size_t most_runs = 4);
/// Ends runs, then the actors; true where all runs had ended within the time.
bool stop_actors(caf::actor_system& system, engine_actors& actors, std::chrono::milliseconds limit);

/// What `engine::run` calls back, on the thread that called it.
struct run_callbacks {
  std::function<void(const run_progress&)> progress = {};  ///< every `interval`
  std::function<void(const store::event&)> event = {};     ///< every event of the run, the last one included
  std::int64_t after = 0;                                  ///< events above this cursor
  std::function<bool()> cancel = {};                       ///< asked every 50 ms; true: end the run (drain or cancel)
  std::chrono::milliseconds interval{200};
};

/// An engine within this process: what `sluice run` starts. It keeps the process's lease. Its destructor cancels what
/// runs.
class engine {
 public:
  /// `node` is the name that events show.
  explicit engine(const std::shared_ptr<store::store>& store, const std::string& node = "local",
                  std::size_t threads = 0);
  ~engine();
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Runs to the end.
  run_outcome run(std::shared_ptr<const run_setup> setup, const run_callbacks& callbacks = {});
  /// Asks a run to end; thread-safe, returns at once.
  void cancel(const std::string& run);

  [[nodiscard]] caf::actor_system& system();
  [[nodiscard]] const engine_actors& actors() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::actors
