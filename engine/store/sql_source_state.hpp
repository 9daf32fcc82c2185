#pragma once

#include "engine/error/error.hpp"
#include "engine/store/process.hpp"
#include "engine/store/source_state.hpp"

#include <string>
#include <vector>

namespace sluice::store {

class database;

// The SQL of source states, run inside the Store's transactions.

/// Makes the tables (version 2 of the schema).
status make_source_state_tables(database& in);
result<pipeline_state> read_source_state(database& in, const std::string& pipeline);
result<std::vector<std::string>> read_pipelines_with_state(database& in);
/// Writes what a run has taken.
status write_source_state(database& in, const std::string& pipeline, const std::string& run,
                          const std::vector<source_change>& changes, std::int64_t now);
/// Refuses a run (which is among the Store's already) whose plan was made from an older version (state_changed), or
/// while another run of the pipeline that uses the state lives (already_running).
status check_source_state(database& in, const std::string& pipeline, std::int64_t version, const std::string& run,
                          const observer& by);
/// Forgets; gives how many units had something to forget. Error: already_running.
result<std::int64_t> reset_source_state(database& in, const state_reset& what, const observer& by);

}  // namespace sluice::store
