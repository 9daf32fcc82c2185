#pragma once

#include "engine/values/value_text.hpp"

#include <arrow/type.h>

#include <array>
#include <string>

namespace sluice::expression {

// Decimals of up to 38 digits as 128-bit integers.

inline constexpr int most_digits = 38;

inline constexpr std::array<int128, most_digits + 1> powers_of_ten = [] {
  std::array<int128, most_digits + 1> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

inline int scale_of(const arrow::DataType& type) { return static_cast<const arrow::DecimalType&>(type).scale(); }
inline int precision_of(const arrow::DataType& type) {
  return static_cast<const arrow::DecimalType&>(type).precision();
}

/// True where `value` has at most `precision` digits.
inline bool fits(int128 value, int precision) {
  const auto limit = powers_of_ten[static_cast<std::size_t>(precision)];
  return value < limit && value > -limit;
}

/// Multiplies by ten to the `digits`; true on overflow.
inline bool shift_left(int128 value, int digits, int128& out) {
  if (digits > most_digits) {
    out = 0;
    return value != 0;
  }
  return __builtin_mul_overflow(value, powers_of_ten[static_cast<std::size_t>(digits)], &out);
}

/// Divides, rounding half away from zero, as PostgreSQL's numeric does.
inline int128 divide_rounding(int128 value, int128 by) {
  const int128 quotient = value / by;
  const int128 rest = value % by;
  const int128 twice_of = by < 0 ? -by : by;
  const int128 magnitude = rest < 0 ? -rest : rest;
  if (magnitude < twice_of - magnitude) return quotient;
  return quotient + ((value < 0) == (by < 0) ? 1 : -1);
}

/// Drops `digits` decimal places, rounding.
inline int128 shift_right(int128 value, int digits) {
  return digits > most_digits ? 0 : divide_rounding(value, powers_of_ten[static_cast<std::size_t>(digits)]);
}

inline std::string decimal_text(int128 value, int scale) {
  char text[longest_value];
  return {text, write_decimal(text, value, scale)};
}

}  // namespace sluice::expression
