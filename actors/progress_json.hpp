#pragma once

#include "actors/messages.hpp"
#include "engine/options.hpp"

namespace sluice::actors {

/// How far a run is, as the HTTP API and `status --json` show it: run, pipeline, state, running_microseconds,
/// left_microseconds (-1: unknown) and for each unit its state, counters, rows_per_second and done_ppm.
options to_options(const run_progress& progress);

}  // namespace sluice::actors
