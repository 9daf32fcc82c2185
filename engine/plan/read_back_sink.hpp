#pragma once

#include "engine/component/sink.hpp"
#include "engine/plan/plan.hpp"

#include <memory>

namespace sluice {

/// Where a load unit has `reconcile:`, reads the rows of each epoch back when they are prepared, and compares them with
/// those that arrived: their number, and the values of all columns that can be read back, by hashes that do not depend
/// on the order. A difference fails `prepare`, before anything is visible, or is a warning. Else the sink as it is,
/// also where what it has written can't be read (engine/component/reads_back.hpp).
result<std::unique_ptr<sink>> compare_with_written(std::unique_ptr<sink> inner, const planned_unit& unit,
                                                   const run_context& context);

}  // namespace sluice
