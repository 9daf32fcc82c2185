#pragma once

#include "actors/run/run_setup.hpp"
#include "actors/units/instance.hpp"
#include "engine/runs/commits.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace sluice::actors {

struct control_settings {
  node_services services;
  std::shared_ptr<store::store> store;
  caf::actor starter;
  caf::actor notifier;
  std::size_t most_runs = 4;  ///< at a time; further ones are queued in the order they came
  /// How often runs of dead processes are ended, and their commits repeated; 0: never.
  std::chrono::milliseconds settle_interval{0};
  sink_maker make_sink = planned_components().make_sink;  ///< repeats their commits
};

/// Starts the control actor: it takes submissions (`submit_setup`), admits them, and answers `cancel_run`,
/// `get_progress`, `list_live_runs`, `await_run` and `shut_down`. It never waits for a disk.
caf::actor spawn_control(caf::actor_system& system, control_settings settings);

}  // namespace sluice::actors
