#pragma once

#include "engine/flow/conservation.hpp"

#include <vector>

namespace sluice::flow {

/// Counts rows that readers left out for a filter where the user wrote that filter: as passed on by the source, taken
/// in and filtered by the unit below. `counters` are those of the units, in the order of the plan.
void count_where_written(const plan& of, std::vector<unit_counters>& counters);

}  // namespace sluice::flow
