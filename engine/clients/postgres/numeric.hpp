#pragma once

#include "engine/clients/postgres/byte_buffer.hpp"
#include "engine/values/value_text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// PostgreSQL's numeric in binary (src/backend/utils/adt/numeric.c, numeric_send): four int16: number of digits, weight
/// of the first one, sign, digits behind the point; then digits of base 10,000.
namespace sluice::postgres {

/// Writes the length and the value unscaled * 10^-scale, `scale` from 0 on.
void put_numeric(byte_buffer& out, std::int64_t unscaled, int scale);
/// The same of decimal digits, a sign before them where it is negative: "-12345" and 2 for -123.45.
void put_numeric(byte_buffer& out, std::string_view unscaled, int scale);

enum class numeric_reading {
  good,
  not_a_number,  ///< NaN or infinite
  too_long,      ///< digits before the point
  inexact,       ///< digits behind the point
  damaged,
};
/// Reads a value as unscaled * 10^-scale of at most `precision` (up to 38) digits.
numeric_reading read_numeric(std::string_view bytes, int precision, int scale, int128& out);
/// The value's text, of any size: -123.4500, NaN, Infinity. Nothing for damaged bytes.
std::optional<std::string> numeric_text(std::string_view bytes);

}  // namespace sluice::postgres
