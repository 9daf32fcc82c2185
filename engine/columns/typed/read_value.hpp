#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Readers of whole values in all forms that the types take: where the plain form (plain_value.hpp) does not do, and
/// where types are inferred. False: it is none.
namespace sluice::typed {

/// An optional sign and digits.
bool read_integer(std::string_view text, std::int64_t& out);
bool read_unsigned(std::string_view text, std::uint64_t& out);
/// Decimal or scientific notation, NaN and Infinity; false also where a finite text gives an infinite value.
bool read_double(std::string_view text, double& out);
bool read_float(std::string_view text, float& out);
/// True for a whole number that no double is equal to: where types are inferred, its digits must not get lost.
bool beyond_double(std::string_view text);
/// true, t, yes, y, on, 1 and their opposites, in any case.
bool read_boolean(std::string_view text, bool& out);
/// YYYY-MM-DD.
bool read_date(std::string_view text, std::int32_t& out);
/// HH:MM, HH:MM:SS, fractions up to microseconds; to microseconds since midnight.
bool read_time(std::string_view text, std::int64_t& out);
/// PostgreSQL's \x00ff; other texts are the bytes that they are.
bool read_bytea(std::string_view text, std::string& out);

/// A date with a time, or a date alone (midnight).
struct moment {
  std::int64_t microseconds = 0;  ///< since 1970, in UTC where `zoned`, else as the clock on the wall shows
  bool zoned = false;
};
/// YYYY-MM-DD, then T or a blank and a time, then Z or an offset like +02, +0200 or +02:00.
bool read_moment(std::string_view text, moment& out);
/// The same by a format: %Y %y %m %d %e %H %I %p %M %S %f (%S takes a fraction as well) %b %B %a %A %j %T %F %z %Z(UTC)
/// %%.
bool read_formatted(std::string_view text, std::string_view format, moment& out);
/// Says which directive of a format is not known; empty: all are.
std::string unknown_directive(std::string_view format);

/// Takes the thousands separators out of a number and puts a point for its decimal sign. False where groups are not
/// of three digits.
bool plain_number(std::string_view text, char decimal, char thousands, std::string& out);

}  // namespace sluice::typed
