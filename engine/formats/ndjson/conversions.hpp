#pragma once

#include "engine/formats/ndjson/columns.hpp"
#include "engine/formats/ndjson/cursor.hpp"
#include "engine/values/time_zone.hpp"

#include <string_view>

namespace sluice::ndjson {

/// Appends a JSON number to a column, if its type can hold exactly that value (floats: the nearest one).
bool append_number(const number& value, column& into);

/// Appends what a JSON string says: dates, times, bytes and intervals, and where the user gave the type also numbers
/// and booleans. A timestamptz without offset is of the run's time zone.
bool append_text(std::string_view text, column& into, zone_clock& zone);

}  // namespace sluice::ndjson
