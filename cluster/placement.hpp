#pragma once

#include "engine/error/error.hpp"
#include "engine/flow/channels.hpp"
#include "engine/plan/plan.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice::cluster {

/// A node as placement sees it.
struct placeable_node {
  std::string name;
  std::map<std::string, std::string> labels;
};

/// Says on which node each instance of a plan runs (enumerators stand beside their unit's first instance).
///
/// `nodes` holds the submitting node first. Pinned units run where `place:` says, spread over the nodes that have its
/// labels. Others: sources and sinks of local files and of stdout run on the submitting node; what is left is spread
/// round robin. The same plan and nodes always give the same answer. Faults (unknown_node with the nearest name,
/// no_such_label) are appended, each with the path of its `place`.
std::map<flow::instance_id, std::string> place(const plan& of, const std::vector<placeable_node>& nodes,
                                               diagnostics& faults);

}  // namespace sluice::cluster
