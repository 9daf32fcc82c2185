#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::typed {

/// A number as it stands in a text, its digits read already.
struct number {
  const char* begin = nullptr;
  const char* end = nullptr;
  std::uint64_t digits = 0;  ///< all of them as one integer, right where `exact`
  int exponent = 0;          ///< value = digits * 10^exponent
  bool negative = false;
  bool whole = true;  ///< written without point and exponent
  bool exact = true;  ///< digits fit into 64 bits

  [[nodiscard]] std::string_view text() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

/// The nearest double; infinite where it is too large for one.
double to_double(const number& value);
/// The nearest float, rounded once; infinite where it is too large for one.
float to_float(const number& value);
/// Decimal digits that name any double.
constexpr int digits_of_double = 17;
/// Those of the text without its exponent, zeros at both ends left out.
int significant_digits(const number& value);
/// True for a number that a double does not keep: a whole one that none is equal to, and any other of more than 17
/// significant digits. Where types are inferred, its digits must not get lost.
inline bool beyond_double(const number& value) {
  if (value.whole) return !value.exact || static_cast<std::uint64_t>(static_cast<double>(value.digits)) != value.digits;
  // Mostly the digits are known to be few enough as one integer.
  constexpr std::uint64_t one_digit_more = 100'000'000'000'000'000;
  if (value.exact && value.digits < one_digit_more) return false;
  return value.end - value.begin > digits_of_double + 1 && significant_digits(value) > digits_of_double;
}

}  // namespace sluice::typed
