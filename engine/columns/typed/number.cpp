#include "engine/columns/typed/number.hpp"

#include "engine/values/powers_of_ten.hpp"

#include <fast_float/fast_float.h>

#include <utility>

namespace sluice::typed {

int significant_digits(const number& value) {
  int digits = 0;
  int zeros = 0;  // behind them so far
  for (const char* at = value.begin; at != value.end && *at != 'e' && *at != 'E'; ++at) {
    if (*at < '0' || *at > '9') continue;
    if (*at != '0') digits += std::exchange(zeros, 0) + 1;
    if (*at == '0' && digits > 0) ++zeros;
  }
  return digits;
}

double to_double(const number& value) {
  constexpr std::uint64_t exact_integer = std::uint64_t{1} << 53;
  if (value.exact && value.digits <= exact_integer && value.exponent >= -22 && value.exponent <= 22) {
    // Both are exact doubles, so that one operation rounds once (Clinger 1990).
    auto result = static_cast<double>(value.digits);
    result = value.exponent < 0 ? result / exact_powers_of_ten[-value.exponent]
                                : result * exact_powers_of_ten[value.exponent];
    return value.negative ? -result : result;
  }
  // Rounds once; too large gives infinity, too small zero.
  double result = 0;
  fast_float::from_chars(value.begin, value.end, result);
  return result;
}

float to_float(const number& value) {
  // By way of a double it would be rounded twice.
  float result = 0;
  fast_float::from_chars(value.begin, value.end, result);
  return result;
}

}  // namespace sluice::typed
