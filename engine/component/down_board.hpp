#pragma once

#include "engine/component/may_be_down.hpp"

#include <optional>
#include <string>

namespace sluice::down_board {

/// Who can say which units of the runs of this process can't reach their system, for whoever shows how a run is.
/// Thread-safe.

/// Asks this component from now on; null: nobody. It lives until it is taken off.
void put(const std::string& run, const std::string& unit, const may_be_down* component);
/// Takes a component off, if it is the one that is asked.
void take_off(const std::string& run, const std::string& unit, const may_be_down* component);
/// Nothing where the unit's system is reached, or nobody knows.
[[nodiscard]] std::optional<down_state> find(const std::string& run, const std::string& unit);

}  // namespace sluice::down_board
