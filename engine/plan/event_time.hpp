#pragma once

#include "engine/plan/edges.hpp"

#include <optional>

namespace sluice {

/// The event time of a source's rows by `time:`; none where it is not given, or its column is not among those that are
/// read. Faults: unknown_column, type_mismatch.
std::optional<event_time> source_time(const planned_unit& unit, diagnostics& faults);

/// Decides on which edges watermarks travel: those above a unit that decides by event time. After `connect`.
void choose_timed_edges(draft& of);

/// Refuses `allowed_lateness` where a window that is emitted again would be loaded twice.
void check_corrections(const draft& of, diagnostics& faults);

}  // namespace sluice
