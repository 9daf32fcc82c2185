#pragma once

#include "engine/component/transform.hpp"
#include "engine/flow/snapshot.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice {

/// The name of a part that was on disk, as a checkpoint's file has it.
std::string spilled_part(const std::string& name);

/// Gives a transform back what it has handed out into a file of a checkpoint: first what was in memory, in one call,
/// then what was on disk, part by part. `before` may change what was in memory. Blocks. Errors: checkpoint_damaged,
/// foreign_state.
status restore_unit(transform& unit, const std::string& folder, const flow::saved_state& from,
                    const std::function<void(std::vector<state_part>&)>& before = {});
/// Adds what another instance of the same unit holds of some key groups. Blocks.
status take_groups(transform& to, transform& from, key_groups of);
/// Writes all that a transform holds into a file; no name where that is nothing. Blocks.
result<flow::saved_state> save_unit(transform& unit, const std::string& folder, const std::string& name);

}  // namespace sluice
