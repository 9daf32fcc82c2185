#pragma once

#include "actors/run/run_setup.hpp"

#include <memory>
#include <string>

namespace sluice::actors {

/// A planned run, which may continue after the last checkpoint of an earlier one.
struct planned_run {
  std::shared_ptr<const plan> what;
  std::shared_ptr<run_context> context;
  options params = {};           ///< as they were given
  std::string runs_folder = {};  ///< where the runs have their files
  bool fresh = false;            ///< it begins afresh in any case
};

/// What became of it.
struct resumed_run {
  std::shared_ptr<const resume_point> from = {};  ///< null: it begins afresh
  std::string note = {};                          ///< for the user; may be empty
};

/// Finds out whether a run continues after a checkpoint, and makes it ready for that: it takes over that run's plan,
/// its now and seed, and its rejects. What an earlier run keeps for a successor is removed where there will be none
/// (`fresh`, or the pipeline has changed). Blocks. Errors: pipeline_changed, checkpoint_damaged.
result<resumed_run> resume_run(store::store& in, planned_run& planned);

}  // namespace sluice::actors
