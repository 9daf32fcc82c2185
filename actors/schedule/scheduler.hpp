#pragma once

#include "actors/units/instance.hpp"
#include "engine/schedule/keeper.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace sluice::actors {

// Messages of the scheduler; all of them stay within a process.

/// anyone -> scheduler: something was deployed or is to be started: look now.
struct look_at_schedules {};

struct scheduler_settings {
  node_services services;
  std::shared_ptr<store::store> store;
  caf::actor notifier;
  /// Makes the run of a start, or finds that it exists. Blocks, on a thread of the pool. An error with `retry` is tried
  /// again.
  std::function<status(const store::pending_start&)> start;
  schedule::keeper::clock_function now = {};                          ///< not set: the system's clock
  std::function<void(const std::string&)> log = {};                   ///< of schedules that can't be followed
  std::chrono::milliseconds look_interval = std::chrono::seconds(1);  ///< for what other processes have added
  std::size_t starts_at_once = 4;
};

/// Starts the actor that follows the schedules of deployed pipelines and has their runs started. What is due is in the
/// Store before it is started (see `schedule::keeper`). One pipeline whose planning hangs holds up no other.
caf::actor spawn_scheduler(caf::actor_system& system, scheduler_settings settings);

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::look_at_schedules)
