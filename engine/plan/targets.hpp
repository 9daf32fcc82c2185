#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"

#include <map>
#include <string>

namespace sluice {

/// What the pipeline's file says about a unit that only this check needs.
struct target_rule {
  bool overwrite_source = false;  ///< the sink may replace a file that the run reads
  location at = {};               ///< of the unit, for messages about another one
};
/// By the units' names.
using target_rules = std::map<std::string, target_rule>;

/// Refuses sinks that write to one file or table, and those that write over what a source of the pipeline reads or to
/// where it would read from in the next run. Compares files, not their names. May block (looks at files and folders).
void check_written_targets(const pipeline& definition, const target_rules& rules, const run_context& context,
                           diagnostics& faults);

}  // namespace sluice
