#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"

#include <string>
#include <vector>

namespace sluice {

/// What an entry of `from` names.
struct input_reference {
  int unit = 0;
  std::string port = {};  ///< empty: the unit's only output
};

/// The units of a pipeline and who reads whom. Indices are those of pipeline::units.
struct unit_graph {
  std::vector<std::vector<input_reference>> inputs;  ///< of each unit, in the order of `from`
  std::vector<int> order;                            ///< topological, otherwise as in the file
  /// Places in `from` that name no unit, or close a cycle: they have no entry in `inputs`.
  std::vector<std::vector<std::size_t>> missing;
};

/// The port by which everything rejected by a unit can be read.
inline constexpr const char* rejects_port_name = "rejects";

/// Resolves every `from`; reports unknown and duplicate names, cycles, and units that nobody reads. A faulty unit
/// without a name stands for a section that could not be read: what others name may be in it, so nothing is missed.
unit_graph resolve_units(const pipeline& definition, diagnostics& faults);

/// The fault of a unit; `path` is relative to the unit.
error unit_fault(const unit_definition& unit, const std::string& path, std::string code, std::string message,
                 std::string hint = {});

}  // namespace sluice
