#pragma once

#include "engine/plan/edges.hpp"

namespace sluice {

/// Finds units that can't work in a run that has no end, or that takes checkpoints: rows that only come when an input
/// ends (needs_end), rows that are given again to a sink that can't replace them (needs_upsert), sinks that hold one
/// epoch (one_epoch).
void check_checkpoints(const draft& of, const run_context& context, diagnostics& faults);

}  // namespace sluice
