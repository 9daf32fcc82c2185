#pragma once

#include "engine/plan/edges.hpp"

#include <cstdint>
#include <set>

namespace sluice {

/// Units that read again together.
struct refresh_group {
  std::set<std::uint32_t> joins;   ///< units whose input is read again
  std::set<std::uint32_t> afresh;  ///< all above these inputs, which begin anew
};

/// The group of a unit with `refresh`: whoever reads the same units is in it.
refresh_group refresh_group_of(const plan& of, std::uint32_t unit);

/// Notes which units read an input again every so often. Faults: refresh_shared, where what is read again has other
/// readers, which would get its rows a second time. Warns where the run ends by itself without checkpoints: it reads
/// once.
void choose_refreshes(draft& of, diagnostics& faults);

}  // namespace sluice
