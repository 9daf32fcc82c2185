#pragma once

#include "engine/flow/snapshot.hpp"
#include "engine/plan/plan.hpp"

#include <string>

namespace sluice {

/// A checkpoint of a run whose units had other numbers of instances then (with_parallelism), as one of the plan as it
/// is now: what the instances held is divided anew by key groups, into files beside those of the checkpoint in
/// `folder`; their counts become those of the first one. A checkpoint that fits is given back as it is. Blocks. Errors:
/// checkpoint_damaged; not_scalable, where an instance had not passed on all that came before the checkpoint.
result<flow::run_snapshot> fit_snapshot(const plan& now, const run_context& context, flow::run_snapshot at,
                                        const std::string& folder, std::uint64_t epoch);

}  // namespace sluice
