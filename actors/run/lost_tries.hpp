#pragma once

#include "actors/run/run_setup.hpp"
#include "engine/runs/record.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// A run whose process has died, and that is to be tried again.
struct lost_try {
  store::run_record record;
  recorded_run recorded;
  error cause;                 ///< how its process died
  earlier_tries tries;         ///< what all of them have come to, this one included
  std::uint32_t attempt = 1;   ///< that has died
  std::uint32_t failures = 0;  ///< of the tries before it
  bool adopts = false;         ///< its units may still work on other nodes
  bool again = true;           ///< false: it goes on only where they do
};

/// Looks whether a run is tried again after its process has died of `cause`; `process`: signal, peak_memory and log,
/// or null. Nothing where its `run.retry` has no further try, or it has only to be published. `of_controller`: it was
/// one of a node's, of which those with checkpoints go on without `run.retry`, too, and others if their units still
/// work. Blocks.
result<std::optional<lost_try>> find_lost_try(store::store& in, const std::string& run, error cause, options process,
                                              bool of_controller = false);

/// Makes the setup of a run (as for a new one) that of its next try.
void take_up(run_setup& setup, const lost_try& lost);

/// Finds the runs of a node that has died, in its Store. Their setups are to be submitted. `runs_folder`: where the
/// runs have their files. Blocks.
result<std::vector<std::shared_ptr<const run_setup>>> lost_tries_of_node(store::store& in,
                                                                         const std::string& runs_folder,
                                                                         const run_address& here);

}  // namespace sluice::actors
