#pragma once

#include "app/planning.hpp"
#include "app/run_engine.hpp"
#include "app/session.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace sluice::app {

/// What `sluice run` was given.
struct run_command {
  std::string file;
  std::vector<std::string> set;
  std::string params;  ///< file of --params; its values are put into `set`
  std::string config;
  bool fresh = false;
  bool flush = false;
  std::string from;  ///< RUN@EPOCH
  bool again = false;
  std::vector<std::string> drop;
  std::string notify_wait_text;
  std::chrono::microseconds notify_wait = std::chrono::seconds(10);
};

/// The command that was given, for hints.
std::string command_text(const run_command& what);

/// Says that there is no run: the faults on stderr, or the event that ends `run --json`, which is `kept` where that is
/// in the log; gives `code` back.
int refuse_run(session& with, const std::string& file, const diagnostics& faults, const config::document* source,
               int code, const store::event* kept = nullptr);

/// Tells the user how the run ended.
void print_report(session& with, const run_command& what, const planned_pipeline& planned, const engine_result& ended);
int exit_code_after(const engine_result& ended);

}  // namespace sluice::app
