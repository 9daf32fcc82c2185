#pragma once

#include "engine/error/error.hpp"
#include "engine/store/manifest.hpp"
#include "engine/store/process.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::store {

class database;

// The SQL of decisions to commit, run inside the Store's transactions.

/// Makes the table (version 3 of the schema).
status make_commit_tables(database& in);
/// Keeps the decision; one that the run has already for this epoch is an error (commit_decided).
status write_decision(database& in, const std::string& run, const std::string& pipeline, const manifest& what,
                      std::int64_t now);
/// Notes what has become of the commits of an epoch; `committed` writes what the sources have taken.
status settle_decision(database& in, const std::string& run, const std::string& pipeline, std::int64_t epoch,
                       commit_state to, std::int64_t now);
/// Refuses a new run of a pipeline whose commits are due and done by nobody: commit_due.
status check_due_commits(database& in, const std::string& pipeline, const observer& by);
result<std::vector<due_commit>> read_due_commits(database& in, const std::string& run, const observer& by);
/// Checkpoints of a run that have a snapshot, newest first.
result<std::vector<checkpoint_record>> read_checkpoints(database& in, const std::string& run);
/// Whether the run has a decision in that state.
result<bool> has_decision(database& in, const std::string& run, commit_state state);

}  // namespace sluice::store
