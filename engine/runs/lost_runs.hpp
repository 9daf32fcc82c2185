#pragma once

#include "engine/runs/commits.hpp"
#include "engine/store/store.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice {

/// How the run of a dead process ended.
struct settled_run {
  std::string run;
  std::string pipeline;
  store::run_state state = store::run_state::failed;  ///< committing: its commits are still due
  bool published = false;                             ///< its outputs were made visible here
  std::optional<error> problem = {};                  ///< why commits are still due, or were refused
  std::optional<store::event> last = {};              ///< the run's last event, where it was written here
  std::int64_t term = 0;                              ///< with which this process writes on, where it tries again
};

/// What to say of a run that had decided nothing yet.
struct death {
  error cause;
  store::run_state state = store::run_state::failed;  ///< restarting: this process tries the run again
  options process = {};                               ///< signal, peak_memory, log, out_of_memory; null: nobody saw it
  options restarting = {};                            ///< data of the event, where the run is tried again
};
/// Nobody saw how the process ended.
death unseen_death(const store::run_record& run);

/// Takes a run over whose process is dead, and ends it: repeats its commits where it had decided to commit, else
/// removes what its sinks have left and writes the end that `how` says, or that the run is tried again. Nullopt where
/// its process lives, where it has ended by itself or another process was faster. Blocks.
result<std::optional<settled_run>> settle_lost_run(store::store& in, const std::string& run, const death& how,
                                                   const sink_maker& make);

/// The same for all runs of dead processes; `publish` false: those that have decided to commit are left alone, as by
/// those who only want to look. Those in `kept`, which the caller goes on with, are left alone too, and those whose
/// process has a parent that lives and may try them again.
result<std::vector<settled_run>> settle_lost_runs(store::store& in, bool publish, const sink_maker& make,
                                                  const std::set<std::string>& kept = {});

/// Makes way for a new run of a pipeline: publishes first what targets refused earlier, or drops it (`fresh`). Error:
/// commit_due, where commits are due that can't be repeated now, with the reason in `lost`; already_running, where the
/// parent of a process that has died is about to try its run again.
status settle_refused(store::store& in, const std::string& pipeline, bool fresh, const sink_maker& make,
                      const std::vector<settled_run>& lost);

/// Refuses a planned run that writes to a target for which another pipeline's commits are due (commit_due): they would
/// come behind it.
status check_due_targets(store::store& in, const plan& what, const run_context& context);

}  // namespace sluice
