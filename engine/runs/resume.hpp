#pragma once

#include "engine/runs/record.hpp"
#include "engine/store/store.hpp"

#include <optional>
#include <string>

namespace sluice {

/// The checkpoint behind which a new run of a pipeline goes on.
struct resumable {
  store::run_record run;
  store::checkpoint_record at;
};

/// Whether two runs of a pipeline were given the same values.
bool same_params(const options& a, const options& b);

/// The newest run of a pipeline with the same params, where it has not ended: it works, or its process has died and
/// nobody has settled it yet. Blocks.
result<std::optional<store::run_record>> unended_run(store::store& in, const std::string& pipeline,
                                                     const options& params);

/// Finds it: of the newest run of the pipeline with the same params, or of the run that that one went on behind and
/// never got beyond. None where that run began afresh and took no checkpoint, or has reached its end. Blocks.
result<std::optional<resumable>> find_resumable(store::store& in, const std::string& pipeline, const options& params);

/// The checkpoint that `reference` names (RUN@EPOCH, as `sluice savepoint` prints it). Errors: checkpoint_not_found;
/// rows_again, where sinks have made rows visible that come behind it, which a run from there loads again, unless
/// `again` says that this is meant. Blocks.
result<std::optional<resumable>> find_savepoint(store::store& in, const std::string& pipeline,
                                                const std::string& reference, bool again);

/// The last complete checkpoint of a run, else of the run that it continues, and so on; none where there is none.
/// Blocks.
result<std::optional<resumable>> last_checkpoint(store::store& in, std::string run);

/// Sees that every file of a checkpoint is as it was written; `runs_folder` holds the folders of the runs. Where one is
/// damaged it gives the one before it if no sink has committed since; else checkpoint_damaged. Blocks.
result<resumable> undamaged(store::store& in, resumable from, const std::string& runs_folder);

/// Only looks whether its files are as they were written. Blocks.
status check_files(const store::checkpoint_record& at, const std::string& runs_folder);

/// Where a run's checkpoints have their files.
std::string checkpoints_folder(const std::string& runs_folder, const std::string& run);

}  // namespace sluice
