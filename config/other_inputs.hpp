#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"

namespace sluice::config {

/// Makes inputs of what units read beside their `from`: those that a rule of validate `references`, and the unit that a
/// sink is reconciled with, for which a unit of its own is put before the sink. Names that lead nowhere are faults.
void add_other_inputs(pipeline& of, diagnostics& faults);

}  // namespace sluice::config
