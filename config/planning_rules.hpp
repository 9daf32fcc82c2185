#pragma once

#include "config/document.hpp"
#include "engine/plan/targets.hpp"
#include "engine/runs/claim.hpp"

namespace sluice::config {

/// Reads `run.overlap` from a pipeline's file that was read without faults.
overlap_rule overlap_of(const document& source);

/// What a pipeline's file says of its units for the check of their targets.
target_rules target_rules_of(const document& source);

}  // namespace sluice::config
