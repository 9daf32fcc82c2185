#pragma once

#include "actors/run/run_setup.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>

namespace sluice::actors {

/// A planned run, which may continue after the last checkpoint of an earlier one.
struct planned_run {
  std::shared_ptr<const plan> what;
  std::shared_ptr<run_context> context;
  options params = {};              ///< as they were given
  std::string runs_folder = {};     ///< where the runs have their files
  bool fresh = false;               ///< it begins afresh in any case
  std::string from = {};            ///< RUN@EPOCH: a savepoint to go on from; empty: the last checkpoint
  bool again = false;               ///< also where sinks get rows again that they have behind it
  std::set<std::string> drop = {};  ///< units that forget their position or what they hold
};

/// What became of it.
struct resumed_run {
  std::shared_ptr<const resume_point> from = {};  ///< null: it begins afresh
  std::string note = {};                          ///< for the user; may be empty
  /// The newest run with the same params, where it still works: nobody knows yet where to continue. Nothing was done,
  /// and the caller waits for its end or refuses the new run.
  std::optional<store::run_record> behind = {};
};

/// Finds out whether a run continues after a checkpoint, and makes it ready for that: it takes over that run's plan,
/// its now and seed, and its rejects. Of a pipeline without end that was edited since, it takes over what fits
/// (engine/runs/carry_over.hpp). What an earlier run keeps for a successor is removed where there will be none
/// (`fresh`, or the pipeline has changed). A run whose process has died is settled first. Blocks. Errors:
/// pipeline_changed, checkpoint_damaged, rows_again.
result<resumed_run> resume_run(store::store& in, planned_run& planned);

/// Where a run goes on that is tried again.
struct continued_run {
  std::shared_ptr<const resume_point> from = {};  ///< null: at its beginning
  std::shared_ptr<const plan> what = {};          ///< null: that of the setup
};

/// The run's own last checkpoint, else that of the run that it continues; null: there is none. Nothing is changed: its
/// units are at work. Blocks.
result<std::shared_ptr<const resume_point>> last_point(store::store& in, const run_setup& of);

/// Finds it: the run's own last checkpoint, else that of the run that it continues. Cuts the run's rejects there.
/// Called when nothing works on the run. Blocks. Errors: checkpoint_damaged.
result<continued_run> continue_run(store::store& in, const run_setup& of);

}  // namespace sluice::actors
