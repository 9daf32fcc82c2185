#pragma once

#include "engine/component/state.hpp"
#include "engine/flow/snapshot.hpp"

#include <string>
#include <vector>

namespace sluice::flow {

/// Writes what a unit holds to `folder`/`name`, with the folders above it, and makes it durable: one Arrow IPC stream
/// for each part behind the other, the part's name in the metadata of its schema. No parts: no file, and an empty name.
/// Blocks.
result<saved_state> write_state(const std::string& folder, const std::string& name,
                                const std::vector<state_part>& parts);
/// Reads it back. Blocks. Errors: checkpoint_damaged, where the file is not the one that was written.
result<std::vector<state_part>> read_state(const std::string& folder, const saved_state& what);
/// Only looks whether it is as it was written.
status check_state(const std::string& folder, const saved_state& what);

}  // namespace sluice::flow
