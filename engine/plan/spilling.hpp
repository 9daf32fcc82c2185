#pragma once

#include "engine/plan/plan.hpp"

#include <functional>
#include <memory>

namespace sluice {

using make_unit_sink = std::unique_ptr<sink> (*)(const planned_unit& unit, const run_context& context,
                                                 diagnostics& faults);

/// Makes the sink of a unit with `when_down: { spill }`: its rows go through a log beside the run's spill folder. The
/// log is that of the pipeline, the unit and the params.
result<std::unique_ptr<sink>> make_spilling_sink(const planned_unit& unit, const run_context& context,
                                                 make_unit_sink make);

}  // namespace sluice
