#pragma once

#include "config/connections.hpp"
#include "config/reading.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/store/deliveries.hpp"

#include <vector>

namespace sluice::config {

/// Reads `channels:` and `notify:` of a pipeline's file: one subscription a rule, each with the channels that it names.
/// Channels may name connections. Relative paths of channels start in `folder`; empty: the current one. All faults are
/// reported, with their places.
std::vector<store::subscription> read_notifications(const reading& in, const pipeline& of, const connections& known,
                                                    const std::string& folder);

}  // namespace sluice::config
