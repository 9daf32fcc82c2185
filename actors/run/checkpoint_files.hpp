#pragma once

#include "engine/flow/epoch_round.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <string>

namespace sluice::actors {

/// What the event of a complete checkpoint says: its epoch, the units' files and bytes, rows held.
options checkpoint_summary(const flow::epoch_round::collected& what, bool savepoint);

/// Removes what units held at checkpoints up to `oldest` that the Store keeps no more. Blocks; what can't be removed
/// stays.
int remove_old_states(store::store& in, const std::string& run, const std::string& folder, std::int64_t oldest);

}  // namespace sluice::actors
