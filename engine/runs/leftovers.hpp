#pragma once

#include "engine/runs/commits.hpp"
#include "engine/store/store.hpp"

#include <string>
#include <vector>

namespace sluice {

/// In the summary of a run that has ended: true where its sinks may have left something, because they could not be
/// reached when it ended. An open transaction of Kafka, for one, keeps the readers of its topic waiting.
inline constexpr const char* leftovers_key = "leftovers";

/// Removes what ended runs of a pipeline with the same params have left in that way, but for `kept`, after which a new
/// run continues. What can't be reached now either is left to the next run. Blocks.
void remove_old_leftovers(store::store& in, const std::string& pipeline, const options& params, const sink_maker& make,
                          const std::vector<store::prepared_sink>& kept);

}  // namespace sluice
