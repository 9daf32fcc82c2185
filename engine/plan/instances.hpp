#pragma once

#include "engine/plan/plan.hpp"

#include <memory>

namespace sluice {

/// The three factories as planning uses them: faults get the unit's name and its path from the pipeline's root.
/// `outputs`, `needed` and the like of the unit need not be known yet.
std::unique_ptr<source> instantiate_source(const planned_unit& unit, const run_context& context, diagnostics& faults);
std::unique_ptr<transform> instantiate_transform(const planned_unit& unit, bool pruned, const run_context& context,
                                                 diagnostics& faults);
std::unique_ptr<sink> instantiate_sink(const planned_unit& unit, const run_context& context, diagnostics& faults);

}  // namespace sluice
