#pragma once

#include "engine/plan/pipeline.hpp"

#include <memory>
#include <string>

namespace sluice {

/// Where a run lives on this node.
struct run_place {
  std::string run_id;
  std::string base_folder;   ///< absolute; relative paths of the pipeline start here
  std::string spill_folder;  ///< the run's own; made on first use
};

/// Makes what the components of a run share: its time, seed, params, memory and this node's secrets. Memory without a
/// limit of the pipeline's own is half of what the machine (or its cgroup) has.
std::shared_ptr<run_context> make_run_context(const pipeline& of, const run_place& place);

}  // namespace sluice
