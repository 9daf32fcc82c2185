#pragma once

#include "engine/plan/expand.hpp"
#include "engine/plan/plan.hpp"
#include "engine/plan/unit_graph.hpp"

#include <memory>
#include <vector>

namespace sluice {

/// A plan in the making: its units in topological order with what is bound of them.
struct draft {
  plan made;
  std::vector<std::vector<input_reference>> inputs;    ///< of each planned unit, units by their place in the plan
  std::vector<std::unique_ptr<transform>> transforms;  ///< null for sources, sinks and units with faults
  std::vector<std::vector<std::size_t>> missing;       ///< of each unit: places in `from` that name no unit
  std::vector<bool> in_doubt;                          ///< has faults: its outputs are what can be told of them
  std::vector<bool> can_filter;                        ///< sources that implement takes_filter
  expanded_units expanded;
  std::vector<bool> unordered;  ///< sources whose splits are read in turn: between splits there is no order
};

/// Decides how many instances each unit has; what can't run in parallel runs as one, with a warning.
void choose_parallelism(draft& of, diagnostics& faults);
/// Makes the edges, with how rows are spread and where order holds.
void connect(draft& of);
/// Decides whose batches must carry positions: those that a unit below may reject.
void choose_positions(draft& of);

}  // namespace sluice
