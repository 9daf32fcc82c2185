#pragma once

#include "engine/plan/plan.hpp"

namespace sluice {

// What planning does for sources that remember something between runs. Faults get the unit's name and path.

/// Before the source is made: looks for its files, leaves out those that were taken before, and compares their columns
/// with those of the last run as the contract says. May set the unit's `resolved`. False where there are faults.
bool prepare_reading(planned_unit& unit, const run_context& context, const remembered_sources& remembered,
                     diagnostics& faults);

/// Once its columns are known: finds the watermark, and says what is to be remembered.
bool finish_reading(planned_unit& unit, const arrow::Schema& columns, const run_context& context,
                    const remembered_sources& remembered, diagnostics& faults);

/// Compares the columns of the files that are to be read with those of the last run.
bool apply_contract(planned_unit& unit, const std::vector<input_file>& files, const store::source_state* known,
                    const run_context& context, diagnostics& faults);

/// The command that forgets what is remembered of a unit: for hints.
std::string reset_command(const planned_unit& unit, const run_context& context);

/// Columns as the Store keeps them: [{ name, type }, ...].
options columns_to_json(const arrow::Schema& columns);
result<std::shared_ptr<arrow::Schema>> columns_from_json(const options& from);

/// What was remembered of a unit, or null.
const store::source_state* state_of(const planned_unit& unit, const remembered_sources& remembered);

}  // namespace sluice
