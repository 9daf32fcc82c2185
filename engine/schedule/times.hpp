#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::schedule {

/// "2024-05-01T03:15:00Z"; with digits for parts of a second where there are any. Microseconds since 1970 UTC.
std::string time_text(std::int64_t time);

/// Reads a time as users write it: "2024-05-01", "2024-05-01T05:15", "2024-05-01T05:15:00Z" or with an offset
/// ("+02:00"). Without an offset it is a local time of `zone`. Errors: invalid_time; those of the zone.
result<std::int64_t> parse_time(std::string_view text, const std::string& zone);

}  // namespace sluice::schedule
