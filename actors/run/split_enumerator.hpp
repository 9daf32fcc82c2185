#pragma once

#include "actors/units/instance.hpp"

namespace sluice::actors {

/// Starts the enumerator of an extract unit: it finds the splits, hands them out, and knows files and lines of rejects.
caf::actor spawn_enumerator(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                            const node_services& services);

}  // namespace sluice::actors
