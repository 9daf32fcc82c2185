#pragma once

#include "app/planning.hpp"

namespace sluice::app {

/// Fills in `into` of each pivot that has none: runs what the unit reads, and takes the values of its column that are
/// there, in their order. `read` reads the pipeline as it is to be planned; it is called for each run. Errors: those of
/// that run; too_many_columns.
status find_pivot_values(const session& with, const planning_request& request, pipeline& of);

}  // namespace sluice::app
