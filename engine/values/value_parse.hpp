#pragma once

#include "engine/values/value_text.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// What reading a text as a value gave.
enum class parsed { good, malformed, out_of_range };

// Strict readers of PostgreSQL's input syntax, as casts from text use them: white space around the value is allowed,
// anything else that does not belong to it is malformed. `out` is undefined unless the result is `good`.

parsed parse_value(std::string_view text, bool& out);  ///< true t yes y on 1, false f no n off 0
parsed parse_value(std::string_view text, std::int16_t& out);
parsed parse_value(std::string_view text, std::int32_t& out);
parsed parse_value(std::string_view text, std::int64_t& out);
parsed parse_value(std::string_view text, std::uint64_t& out);
parsed parse_value(std::string_view text, float& out);
parsed parse_value(std::string_view text, double& out);  ///< also NaN and [-]Infinity
/// Rounds half away from zero to `scale` places; out_of_range beyond `precision` digits (at most 38).
parsed parse_decimal(std::string_view text, int precision, int scale, int128& out);
/// An unscaled decimal of up to 256 bits as Arrow stores it: two's complement, the lowest word first.
using wide_words = std::array<std::uint64_t, 4>;
/// The same for up to 76 digits.
parsed parse_decimal(std::string_view text, int precision, int scale, wide_words& out);
/// The same without rounding: out_of_range also where digits would be lost that are no zeros. What readers use.
parsed parse_exact_decimal(std::string_view text, int precision, int scale, wide_words& out);
/// 2024-05-01 or 2024-5-1; 0044-03-15 BC.
parsed parse_date(std::string_view text, std::int32_t& out);
/// 12:00, 12:00:00, 12:00:00.5; 24:00:00 is the end of the day.
parsed parse_time(std::string_view text, std::int64_t& out);
/// A date, or date and time separated by a blank or T; `offset` gets the zone's offset in seconds where one is written.
parsed parse_timestamp(std::string_view text, std::int64_t& out, bool& has_offset, std::int64_t& offset);

struct interval_value {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t nanoseconds = 0;
};
/// "1 year 2 months -3 days 04:05:06.7", "2 hours", "90 minutes ago", "P1DT2H".
parsed parse_interval(std::string_view text, interval_value& out);
/// \x0a0b, or plain text without backslashes.
parsed parse_bytea(std::string_view text, std::string& out);

}  // namespace sluice
