#pragma once

#include "engine/sinks/postgres/target_table.hpp"

#include <string>

namespace sluice::postgres {

// Conditions over a row `s` of the staging table, for rules that concern several rows.

/// The target has a row with the same values.
std::string repeats_target(const unique_rule& rule, const target_table& into);
/// The table that is referred to has no such row.
std::string lacks_reference(const foreign_rule& rule);
/// "s"."a", "s"."b": its values in a message.
std::string key_text(const std::vector<std::string>& columns);
/// A query for one key that several rows of the staging table have.
std::string repeated_key(const std::vector<std::string>& columns, const table_name& staged);

}  // namespace sluice::postgres
