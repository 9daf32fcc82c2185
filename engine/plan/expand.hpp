#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/sql/mapped_text.hpp"

#include <map>
#include <string>

namespace sluice {

struct draft;

/// Units that stand for a statement, and where their expressions came from.
struct expanded_units {
  std::map<std::string, std::string> owner;       ///< name of a unit: the unit that the user wrote
  std::map<std::string, sql::mapped_text> texts;  ///< path of an expression in the plan: its text
};

/// True for a unit that is planned as several others: `sql`.
bool is_expanded(const unit_definition& unit);

/// Puts the units that do what unit `at` says into its place, the last with its name. Its inputs are known. Where that
/// fails there are faults, and the unit is marked as faulty; where columns of its inputs are unknown, it is marked
/// without a fault.
void expand_unit(draft& of, std::size_t at, diagnostics& faults);

/// Lets faults of such units point into the statement that the user wrote.
void point_into_statements(const expanded_units& expanded, diagnostics& faults);

}  // namespace sluice
