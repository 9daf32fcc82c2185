#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <string>

namespace sluice {

/// False where a refusal says nothing of the pipeline: wrong arguments, a signal, a node that is shutting down.
bool concerns_pipeline(const error& problem);

/// The event that tells of a run that could not begin: run.skipped where another run is in its way, else
/// pipeline.rejected. Its cause is the first of `faults`, which has at least one. `pipeline` is empty where not even
/// that is known; `more` is what else is known: due, reason, file.
store::event refusal_event(const std::string& pipeline, options more, const diagnostics& faults);

}  // namespace sluice
