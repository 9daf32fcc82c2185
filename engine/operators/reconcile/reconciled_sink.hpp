#pragma once

namespace sluice {

/// The option of a unit of `reconcile` that stands before a sink, which the user wrote as a part of that sink: its
/// name.
inline constexpr const char* reconciled_sink = "of_sink";
/// The option of a sink that holds its `reconcile:`: with `with` until such a unit is made, then without: the sink
/// compares what it has written.
inline constexpr const char* wanted_reconcile = "reconcile";

}  // namespace sluice
