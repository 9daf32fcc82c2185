#pragma once

#include "config/load.hpp"
#include "engine/store/deliveries.hpp"

#include <string>
#include <vector>

namespace sluice::config {

/// Reads `channels` and `notify` of a node's file of `--config`, or of a file for `sluice notify add`: rules that
/// concern all pipelines, and the events that belong to none (of nodes, channels, schedules). Channels may name the
/// file's connections. Relative paths start in `folder`. All faults are appended, with their places.
std::vector<store::subscription> read_node_rules(const config_text& given, const environment_lookup& environment,
                                                 const std::string& folder, diagnostics& faults);

}  // namespace sluice::config
