#pragma once

#include "actors/run/adoption.hpp"
#include "actors/units/instance.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>

#include <memory>
#include <optional>

namespace sluice::actors {

/// What a supervisor works with.
struct supervisor_settings {
  std::shared_ptr<const run_setup> setup;
  node_services services;
  std::shared_ptr<store::store> store;
  caf::actor starter;                                    ///< takes `launch`
  caf::actor notifier;                                   ///< takes `events_written`; may be null
  caf::actor owner;                                      ///< gets `run_ended`, with which the supervisor's work is over
  bool cancelled = false;                                ///< before it began
  std::optional<error> problem = {};                     ///< why it can't begin
  std::shared_ptr<const adopted_run> adopted = nullptr;  ///< its units are at work: it takes them over
};

/// Starts the supervisor of one run, which the Store has: it starts the units, collects what they report, decides how
/// the run ends, and sees to it that all sinks commit or none. It takes `cancel_run` and `get_progress`.
caf::actor spawn_supervisor(caf::actor_system& system, supervisor_settings settings);

}  // namespace sluice::actors
