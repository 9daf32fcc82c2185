#pragma once

#include "engine/store/store.hpp"

#include <cstdint>

namespace sluice::cluster {

/// Makes the end of a run whose process died: failed, with the cause engine_died, as an event too. `term` is that of
/// who writes it.
store::change death_of(const store::run_record& run, std::int64_t term);

/// Ends the runs of processes that died without writing an end (killed, machine restarted), as the first node does
/// before it takes work. Gives how many there were. `term` is that of the controller that writes; 0: that of each run.
result<std::int64_t> fail_lost_runs(store::store& in, std::int64_t term = 0);

}  // namespace sluice::cluster
