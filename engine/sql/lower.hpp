#pragma once

#include "engine/component/transform.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/sql/mapped_text.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::sql {

/// The units that do what a statement says.
struct lowered {
  std::vector<unit_definition> units;  ///< each behind those that it reads; the last one has the name of the unit
  /// Where the expressions of the units came from, by their paths in the pipeline: "/transform/top_1/steps/0/filter".
  std::map<std::string, mapped_text> texts;
};

/// Turns the statement of a unit into units with other transforms: `filter`, `join`, `aggregate` and so on. `inputs`
/// are those of its `from`, in that order. Faults have the path "/sql" and their offset in the statement; none comes
/// back where there are any.
///
/// The unit's own options are the statement, or {query, files}, with the unit that reads each 'path' in FROM.
std::optional<lowered> lower(const unit_definition& unit, const std::vector<input_port>& inputs, diagnostics& faults);

}  // namespace sluice::sql
