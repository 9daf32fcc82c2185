#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"

#include <vector>

namespace sluice {

/// True for an aggregate with `sets`, `rollup` or `cube`.
bool has_grouping_sets(const unit_definition& unit);

/// The aggregates of such a unit, one for each set, and behind them a union with the unit's name. Keys that are not in
/// a set are null. Faults have paths behind the unit's; there are no units then.
std::vector<unit_definition> split_by_sets(const unit_definition& unit, diagnostics& faults);

}  // namespace sluice
