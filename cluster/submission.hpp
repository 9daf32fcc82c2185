#pragma once

#include "actors/run/run_setup.hpp"
#include "cluster/http_client.hpp"
#include "cluster/placement.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster {

/// Where submitted runs live.
struct submission_place {
  std::string node;      ///< this node's name
  std::string endpoint;  ///< host:port of its API
  std::string state_folder;
  std::string spill_folder;
  std::string config_file = {};             ///< the node's own file of --config; empty: none
  std::int64_t term = 0;                    ///< of the controller
  std::string run = {};                     ///< the id of a run that was planned before; empty: a new one
  store::store* records = nullptr;          ///< where it looks up what the pipeline's sources have taken; null: nothing
  std::optional<std::int64_t> due_at = {};  ///< microseconds since 1970 UTC; not set: now
  options origin = {};                      ///< what started the run, kept with it: reason, due, parents; null: a user
};

/// Makes a run of what was submitted: reads, checks and plans the pipeline, and sees that all its units can be placed
/// on `nodes` (this one first). Null where there are faults; those come with their places in the file. Blocks.
std::shared_ptr<actors::run_setup> plan_submission(const submission& what, const submission_place& where,
                                                   const std::vector<placeable_node>& nodes, diagnostics& faults);

}  // namespace sluice::cluster
