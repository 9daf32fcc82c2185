#pragma once

#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <string>

namespace sluice::store {

class database;

// The SQL of what monitors ask, run inside the Store's transactions.

/// Makes the table (version 3 of the schema) and fills it from the runs that are there.
status make_totals_table(database& in);
/// Adds a run that has reached a final state.
status add_to_totals(database& in, const std::string& run);
result<store_totals> read_totals(database& in);

}  // namespace sluice::store
