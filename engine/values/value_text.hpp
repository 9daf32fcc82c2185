#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

__extension__ typedef __int128 int128;

// Canonical text of values, as value_text gives it. The write_ functions take room for `longest_value` bytes and return
// the end of what they wrote; they are what writers of text formats use in their loops.

inline constexpr int longest_value = 64;

/// Writes the shortest text that reads back as the same value: 0.1, 100000, 1e+20, NaN, Infinity.
char* write_double(char* out, double value);
char* write_float(char* out, float value);
char* write_integer(char* out, std::int64_t value);
char* write_unsigned(char* out, std::uint64_t value);
/// Writes days since 1970-01-01 as 2024-05-01; years before 1 end in " BC".
char* write_date(char* out, std::int32_t days);
/// Writes microseconds since midnight as 12:00:00.5: no trailing zeros, no fraction where there is none.
char* write_time(char* out, std::int64_t microseconds);
/// Writes microseconds since 1970 as 2024-05-01 12:00:00.5, with +00 behind it for a timestamptz.
char* write_timestamp(char* out, std::int64_t microseconds, bool with_zone);
/// Writes an unscaled decimal of up to 128 bits with `scale` digits behind the point.
char* write_decimal(char* out, int128 unscaled, int scale);

/// One value as a CSV sink writes it: the canonical text of every type (null: empty).
std::string value_text(const arrow::Array& column, std::int64_t row);
/// Appends as PostgreSQL prints it: 1 year 2 mons 3 days 04:05:06.
void append_interval(std::string& out, std::int32_t months, std::int32_t days, std::int64_t nanoseconds);
/// Appends `text` as a JSON string.
void append_json_text(std::string& out, std::string_view text);
/// Appends value_text(column, row) without a text of its own.
void append_value(std::string& out, const arrow::Array& column, std::int64_t row);

}  // namespace sluice
