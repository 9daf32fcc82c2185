#pragma once

#include "engine/runs/commits.hpp"

#include <vector>

namespace sluice {

/// Behind the last commits of a run: makes visible what sinks have left on disk (settles_later). A sink that can't do
/// that has a problem in `outcomes`, those of these commits. Blocks.
void settle_left(const plan& of, const run_context& context, const sink_maker& make,
                 std::vector<sink_outcome>& outcomes, interrupt_switch<sink>* stop = nullptr);

}  // namespace sluice
