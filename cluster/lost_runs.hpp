#pragma once

#include "engine/store/store.hpp"

#include <cstdint>

namespace sluice::cluster {

/// Ends the runs of processes that died without writing an end (killed, machine restarted): they become failed with
/// the cause engine_died, as an event too. What the first node does before it takes work. Gives how many there were.
/// `term` is that of the controller that writes; 0: none.
result<std::int64_t> fail_lost_runs(store::store& in, std::int64_t term = 0);

}  // namespace sluice::cluster
