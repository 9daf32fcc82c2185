#pragma once

#include "actors/units/instance.hpp"

#include <string>

namespace sluice::actors {

/// Starts the actor that keeps a run's rejected rows: one JSON object a line in `path`, made with the first row.
caf::actor spawn_rejects_writer(caf::actor_system& system, std::string path, std::string run, caf::actor supervisor,
                                const node_services& services);

}  // namespace sluice::actors
