#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/sql/mapped_text.hpp"

#include <map>
#include <string>

namespace sluice {

struct draft;

/// Units that stand for others in the plan, and where their expressions came from.
struct expanded_units {
  struct written {
    std::string unit;        ///< that the user wrote
    bool statement = false;  ///< else it has the options of that one
  };
  std::map<std::string, written> owner;           ///< by the name of the unit in the plan
  std::map<std::string, sql::mapped_text> texts;  ///< path of an expression in the plan: its text
};

/// True for a unit that is planned as several others: `sql`, and an aggregate with grouping sets.
bool is_expanded(const unit_definition& unit);

/// Puts the units that do what unit `at` says into its place, the last with its name. Its inputs are known. Where that
/// fails there are faults, and the unit is marked as faulty; where columns of its inputs are unknown, it is marked
/// without a fault.
void expand_unit(draft& of, std::size_t at, diagnostics& faults);

/// Lets faults of such units point at what the user wrote; each is there once then.
void point_into_statements(const expanded_units& expanded, diagnostics& faults);

}  // namespace sluice
