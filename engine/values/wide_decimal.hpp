#pragma once

#include <arrow/type_fwd.h>
#include <boost/multiprecision/cpp_int.hpp>

#include <cstdint>

namespace sluice {

/// Whole numbers with room for everything that is done to unscaled decimals of 76 digits before the result is checked:
/// sums, products, and dividends brought to the scale of their quotient. So nothing can wrap on the way.
using wide_integer = boost::multiprecision::number<
    boost::multiprecision::cpp_int_backend<1024, 1024, boost::multiprecision::signed_magnitude,
                                           boost::multiprecision::unchecked, void>,
    boost::multiprecision::et_off>;

inline constexpr int most_wide_digits = 76;

/// Reads an unscaled decimal as Arrow stores it: `width` bytes (16 or 32), little-endian, two's complement, at any
/// address.
wide_integer read_wide(const std::uint8_t* from, int width);
/// Writes such a decimal; false, and nothing written, where it has more than `precision` digits.
bool write_wide(const wide_integer& value, int precision, int width, std::uint8_t* out);
/// The unscaled value of a row of a decimal column.
wide_integer wide_value(const arrow::Array& decimals, std::int64_t row);

/// Ten to the `digits`, 0 to 228.
const wide_integer& wide_power_of_ten(int digits);
/// Divides, rounding half away from zero.
wide_integer divide_rounding(const wide_integer& value, const wide_integer& by);
/// The same number with `places` more decimal places; where there are fewer, rounded half away from zero.
wide_integer rescale(const wide_integer& value, int places);

}  // namespace sluice
