#pragma once

#include "app/session.hpp"

#include <string>

namespace sluice::app {

/// What `sluice rejects replay` was given.
struct replay_request {
  std::string run;     ///< as users refer to one
  std::string input;   ///< repaired rejects, in the form in which they are exported as NDJSON; empty: all as they are
  std::string unit;    ///< only those of this unit; empty: all
  std::string code;    ///< only those with this code; empty: all
  std::string config;  ///< `--config`
};

/// Loads rejects of a run that has ended by a run of its own, each at most once: those that an earlier replay has taken
/// are passed over. Gives the exit code of that run.
int replay_rejects(session& with, const replay_request& what);

}  // namespace sluice::app
