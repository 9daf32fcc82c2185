#include "engine/values/wide_decimal.hpp"

#include <arrow/array/array_binary.h>

#include <array>
#include <cstring>
#include <vector>

namespace sluice {

wide_integer read_wide(const std::uint8_t* from, int width) {
  std::array<std::uint64_t, 4> words{};
  const auto count = static_cast<std::size_t>(width) / 8;
  std::memcpy(words.data(), from, static_cast<std::size_t>(width));
  const bool negative = words[count - 1] >> 63 != 0;
  bool carry = negative;
  for (std::size_t i = 0; i < count && negative; ++i) {
    words[i] = ~words[i] + (carry ? 1 : 0);
    carry = carry && words[i] == 0;
  }
  wide_integer value = words[count - 1];
  for (std::size_t i = count - 1; i-- > 0;) value = (value << 64) | words[i];
  if (negative) value = -value;
  return value;
}

bool write_wide(const wide_integer& value, int precision, int width, std::uint8_t* out) {
  wide_integer rest = abs(value);
  if (rest >= wide_power_of_ten(precision)) return false;
  std::array<std::uint64_t, 4> words{};
  for (auto& word : words) {
    word = static_cast<std::uint64_t>(rest & ~std::uint64_t{0});
    rest >>= 64;
  }
  bool carry = value < 0;
  for (std::size_t i = 0; i < words.size() && value < 0; ++i) {
    words[i] = ~words[i] + (carry ? 1 : 0);
    carry = carry && words[i] == 0;
  }
  std::memcpy(out, words.data(), static_cast<std::size_t>(width));
  return true;
}

wide_integer wide_value(const arrow::Array& decimals, std::int64_t row) {
  const auto& values = static_cast<const arrow::FixedSizeBinaryArray&>(decimals);
  return read_wide(values.GetValue(row), values.byte_width());
}

const wide_integer& wide_power_of_ten(int digits) {
  static const auto powers = [] {
    std::vector<wide_integer> made{1};
    while (made.size() <= 3 * most_wide_digits) made.push_back(made.back() * 10);
    return made;
  }();
  return powers.at(static_cast<std::size_t>(digits));
}

wide_integer divide_rounding(const wide_integer& value, const wide_integer& by) {
  wide_integer quotient, rest;
  divide_qr(value, by, quotient, rest);
  if (abs(rest) * 2 >= abs(by)) quotient += (value < 0) == (by < 0) ? 1 : -1;
  return quotient;
}

wide_integer rescale(const wide_integer& value, int places) {
  return places >= 0 ? wide_integer(value * wide_power_of_ten(places))
                     : divide_rounding(value, wide_power_of_ten(-places));
}

}  // namespace sluice
