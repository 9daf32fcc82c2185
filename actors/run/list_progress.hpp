#pragma once

#include "actors/messages.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <map>
#include <string>
#include <vector>

namespace sluice::actors {

/// Answers `list_live_runs`: what is known already, and what supervisors say within a second, by run.
caf::typed_response_promise<live_runs> list_progress(caf::event_based_actor& self, std::vector<run_progress> known,
                                                     const std::map<std::string, caf::actor>& asked);

}  // namespace sluice::actors
