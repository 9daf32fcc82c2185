#pragma once

#include "actors/run/run_setup.hpp"

namespace sluice::actors {

/// True where a unit below, reached by edges and units that pass the order on, puts a unit's output in the order of its
/// keys: a sink, a limit.
bool order_wanted(const run_setup& of, int unit);

}  // namespace sluice::actors
