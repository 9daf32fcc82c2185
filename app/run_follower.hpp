#pragma once

#include "app/run_source.hpp"

#include <string>

namespace sluice::app {

/// Follows a run until it ends: its events under --json, else its progress, and the report at the end. Gives the exit
/// code that the run deserves. Ctrl-C detaches: the run goes on, and `how_to_go_on` is said.
result<int> follow_run(session& with, run_source& from, const std::string& run, const std::string& how_to_go_on);

/// Blocks Ctrl-C and TERM so that `follow_run` can wait for them; before any thread is started.
void block_stop_signals();

/// The exit code that a run's state stands for.
int exit_code_of(store::run_state state);

/// A run's report from its record: what `run` prints at the end.
std::string report_of(const store::run_record& run, const console& on, bool to_stdout);

}  // namespace sluice::app
