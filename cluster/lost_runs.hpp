#pragma once

#include "engine/store/store.hpp"

#include <cstdint>

namespace sluice::cluster {

/// Ends the runs of processes that died without writing an end (killed, machine restarted): they become failed with
/// the cause engine_died, as an event too. What the first node does before it takes work. Gives how many there were.
result<std::int64_t> fail_lost_runs(store::store& in);

}  // namespace sluice::cluster
