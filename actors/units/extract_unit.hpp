#pragma once

#include "actors/units/instance.hpp"

namespace sluice::actors {

/// Starts one reader of an extract unit: it asks the enumerator for splits and sends what it reads downstream.
caf::actor spawn_extract(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                         const node_services& services);

}  // namespace sluice::actors
