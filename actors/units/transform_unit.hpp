#pragma once

#include "actors/units/instance.hpp"

namespace sluice::actors {

/// Starts one instance of a transform unit: it works on the scheduler, in slices of some milliseconds.
caf::actor spawn_transform(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                           const node_services& services);

}  // namespace sluice::actors
