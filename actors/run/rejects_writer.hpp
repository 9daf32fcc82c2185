#pragma once

#include "actors/units/instance.hpp"

#include <string>

namespace sluice::actors {

/// Starts the actor that keeps a run's rejected rows: one JSON object a line in `path`, made with the first row; `rows`
/// of them are there already, and those up to the checkpoint `synced`
/// are durable.
caf::actor spawn_rejects_writer(caf::actor_system& system, std::string path, std::string run, caf::actor supervisor,
                                const node_services& services, std::uint64_t rows = 0, std::uint64_t synced = 0);

}  // namespace sluice::actors
