#pragma once

#include "app/run_lock.hpp"
#include "app/session.hpp"

namespace sluice::app {

/// How a run came to its turn.
struct run_turn {
  run_lock lock;
  bool waited = false;  ///< for another run: what was planned before may be out of date
  int signal = 0;       ///< SIGINT or SIGTERM: it was stopped while it waited, and nothing is held
};

/// Takes the claim of a run. While another run holds one that it can't go on beside, `run.overlap` decides: the run is
/// refused (already_running), waits, or cancels the other one and waits for its end.
result<run_turn> take_turn(session& with, const pipeline& what, overlap_rule overlap);

}  // namespace sluice::app
