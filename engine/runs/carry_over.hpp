#pragma once

#include "engine/flow/snapshot.hpp"
#include "engine/plan/plan.hpp"

#include <set>
#include <string>
#include <vector>

namespace sluice {

/// What a run without end takes over from a checkpoint of its pipeline as it was before an edit.
struct carried_over {
  flow::run_snapshot snapshot;
  std::vector<std::string> differences;  ///< what was edited, a line for each unit
  std::set<std::string> fresh_sinks;     ///< load units that begin afresh: they are new, or have another target
};

/// Finds it. A source keeps its position where its name and what it reads are the same; a transform keeps what it holds
/// where its name, options and inputs are the same; where it has other numbers of instances now, fit_snapshot divides
/// that anew. Where the units and their edges are the same too, the
/// counts go on; else they begin at zero. `drop`: units that forget what they have. Errors: pipeline_changed, which
/// names each unit whose position or state does not fit any more; bad_arguments, where `drop` names no unit.
result<carried_over> carry_over(const plan& before, const flow::run_snapshot& at, const plan& now,
                                const std::set<std::string>& drop);

}  // namespace sluice
