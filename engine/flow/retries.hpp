#pragma once

#include "engine/component/retry.hpp"
#include "engine/error/error.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::flow {

/// Whether a failure may pass by itself, so that trying the run again can help. What the user has to mend never does:
/// data, settings, permissions, what is missing. Nor does what would only hide a loss: counts that do not add up, files
/// that are damaged.
bool may_pass(const error& why);

/// How long to wait before the next try of a run whose try `attempt` (from 1) has failed; nothing where all have been
/// made. `seed` tells the waits of runs apart that failed at the same time.
std::optional<std::chrono::microseconds> wait_after(const retry_rule& rule, std::uint32_t attempt, std::uint64_t seed);

}  // namespace sluice::flow
