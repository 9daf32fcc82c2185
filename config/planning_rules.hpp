#pragma once

#include "config/document.hpp"
#include "engine/plan/targets.hpp"

namespace sluice::config {

/// What becomes of a run while another one of the same pipeline and params goes on: `run.overlap`.
enum class overlap_rule {
  unset,
  skip,    ///< it is refused
  queue,   ///< it waits for the other's end
  cancel,  ///< the other one is cancelled
};
/// Reads it from a pipeline's file that was read without faults.
overlap_rule overlap_of(const document& source);

/// What a pipeline's file says of its units for the check of their targets.
target_rules target_rules_of(const document& source);

}  // namespace sluice::config
