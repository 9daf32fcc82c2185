#pragma once

#include "engine/flow/snapshot.hpp"
#include "engine/plan/plan.hpp"

namespace sluice {

/// What the next run begins with behind one that has read its sources to a position (plan::goes_on): the positions and
/// watermarks of those sources, and what operators that decide by event time hold. Counts begin at zero; sources that
/// end for good are read again from their beginning.
flow::run_snapshot next_part(const plan& of, const flow::run_snapshot& at_end);

}  // namespace sluice
