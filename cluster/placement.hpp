#pragma once

#include "engine/error/error.hpp"
#include "engine/flow/channels.hpp"
#include "engine/plan/plan.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::cluster {

/// A node as placement sees it.
struct placeable_node {
  std::string name;
  std::map<std::string, std::string> labels;
  bool works = true;        ///< it has the role of a worker
  std::string state = {};   ///< why it takes no new work: suspect or draining; empty: it takes some
  bool shares_runs = true;  ///< it sees the folder of checkpoints of the submitting node
  std::uint32_t cores = 1;
  std::uint32_t units = 0;  ///< instances of other runs that work there
};

/// Where each instance runs.
using placed_plan = std::map<flow::instance_id, std::string>;

/// Says on which node each instance of a plan runs (enumerators stand beside their unit's first instance). Pure.
///
/// `nodes` holds the submitting node first. Pinned units run where `place:` says, spread over the nodes that have its
/// labels. Others: sources and sinks of local files and of stdout run on the submitting node. A unit of one instance
/// whose rows all come from one node, or all go to one, runs there, and so does each instance of a parallel unit that
/// has one of its own on the other side: rows that need not travel do not. What is left is spread: each unit over as
/// many nodes as there are, the nodes with the least work for their cores first.
///
/// Work goes only to workers that are ready, and where a run has checkpoints only to nodes that see their folder. The
/// same plan and nodes always give the same answer. Faults, each with the path of its `place` or its unit:
/// unknown_node (with the nearest name), no_such_label, node_not_available, no_worker.
placed_plan place(const plan& of, const std::vector<placeable_node>& nodes, diagnostics& faults);

}  // namespace sluice::cluster
