#pragma once

#include "engine/plan/plan.hpp"

#include <string>

namespace sluice {

/// The plan with another number of instances of a transform: its edges spread rows over them, all else stays. Order
/// that a wider edge can't keep is given up for good, so that no receiver waits for a place that nobody counts any
/// more. Errors: unknown_unit; not_scalable, where the unit can't run with so many instances.
result<plan> with_parallelism(const plan& from, const std::string& unit, int instances, const run_context& context);

}  // namespace sluice
