#pragma once

#include "actors/units/instance.hpp"

namespace sluice::actors {

/// Starts one instance of a load unit: it writes, makes durable, and commits when the supervisor says so.
caf::actor spawn_load(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                      const node_services& services);

}  // namespace sluice::actors
