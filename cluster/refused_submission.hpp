#pragma once

#include "cluster/http_client.hpp"
#include "engine/store/store.hpp"

#include <optional>

namespace sluice::cluster {

/// The event that tells of a submission that made no run; nothing where that does not concern its pipeline.
std::optional<store::event> refused_submission(const submission& what, const error& problem, const diagnostics& faults);

}  // namespace sluice::cluster
