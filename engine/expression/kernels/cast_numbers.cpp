#include "engine/expression/kernels/casts.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/values/powers_of_ten.hpp"
#include "engine/values/value_parse.hpp"

#include <fast_float/fast_float.h>

#include <cmath>
#include <limits>

namespace sluice::expression {

namespace {

// Rounds to the nearest integer, ties to even, as PostgreSQL does for floating-point numbers.
template <class From, class To>
bool convert(From from, To& to) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    const From rounded = std::nearbyint(from);
    // The upper bound as a power of two is exact in both types; the comparison is false for NaN.
    constexpr int bits = std::numeric_limits<To>::digits;
    if (!(rounded >= static_cast<From>(std::numeric_limits<To>::min()) && rounded < std::ldexp(From{1}, bits)))
      return false;
    to = static_cast<To>(rounded);
    return true;
  } else if constexpr (std::is_same_v<From, double> && std::is_same_v<To, float>) {
    to = static_cast<float>(from);
    return (!std::isinf(to) || std::isinf(from)) && (to != 0 || from == 0);
  } else if constexpr (std::is_floating_point_v<To>) {
    to = static_cast<To>(from);
    return true;
  } else {
    to = static_cast<To>(from);
    return std::in_range<To>(from);
  }
}

template <class From, class To>
constexpr bool always_fits = std::is_floating_point_v<To>
                                 ? sizeof(To) >= sizeof(From) || std::is_integral_v<From>
                                 : std::is_integral_v<From>&& std::is_signed_v<From> == std::is_signed_v<To> &&
                                       sizeof(To) >= sizeof(From);

template <class From, class To>
result<array_ptr> number_kernel(call& c) {
  if constexpr (always_fits<From, To>) {
    const column_of<From> from(c.args[0]);
    auto values = allocate(c.rows * static_cast<std::int64_t>(sizeof(To)));
    auto* out = reinterpret_cast<To*>(values->mutable_data());
    for (std::int64_t row = 0; row < c.rows; ++row) out[row] = static_cast<To>(from.values[row]);
    return make_array(c.type, c.rows, std::move(values), all_valid(c.args, c.rows));
  } else {
    return convert_rows<From, To>(c, convert<From, To>);
  }
}

template <class From>
result<array_ptr> integer_to_decimal(call& c) {
  const int scale = scale_of(*c.type);
  const int precision = precision_of(*c.type);
  return convert_rows<From, int128>(
      c, [&](From from, int128& to) { return !shift_left(from, scale, to) && fits(to, precision); });
}

// By the shortest digits of the number: 0.1 becomes 0.1, not 0.1000000000000000055.
template <class From>
result<array_ptr> floating_to_decimal(call& c) {
  const int scale = scale_of(*c.type);
  const int precision = precision_of(*c.type);
  return convert_rows<From, int128>(c, [&](From from, int128& to) {
    if (!std::isfinite(from)) return false;
    char text[longest_value];
    char* end = std::is_same_v<From, float> ? write_float(text, static_cast<float>(from))
                                            : write_double(text, static_cast<double>(from));
    return parse_decimal({text, end}, precision, scale, to) == parsed::good;
  });
}

template <class To>
result<array_ptr> decimal_to_integer(call& c) {
  const int scale = scale_of(*c.args[0].array->type());
  return convert_rows<int128, To>(c, [&](int128 from, To& to) {
    const auto rounded = shift_right(from, scale);
    to = static_cast<To>(rounded);
    return rounded >= std::numeric_limits<To>::min() && rounded <= std::numeric_limits<To>::max();
  });
}

double decimal_to_double(int128 from, int scale) {
  constexpr int128 exact = int128{1} << 53;
  // Both exact in a double: one division rounds correctly.
  if (from > -exact && from < exact && scale <= 22)
    return static_cast<double>(static_cast<std::int64_t>(from)) / exact_powers_of_ten[scale];
  char text[longest_value];
  char* end = write_decimal(text, from, scale);
  double value = 0;
  fast_float::from_chars(text, end, value);
  return value;
}

// Rounded once: by way of a double it would be twice.
bool decimal_to_real(int128 from, int scale, float& to) {
  char text[longest_value];
  char* end = write_decimal(text, from, scale);
  fast_float::from_chars(text, end, to);
  return std::isfinite(to) && (to != 0 || from == 0);
}

template <class To>
result<array_ptr> decimal_to_floating(call& c) {
  const int scale = scale_of(*c.args[0].array->type());
  return convert_rows<int128, To>(c, [&](int128 from, To& to) {
    if constexpr (std::is_same_v<To, float>) return decimal_to_real(from, scale, to);
    to = static_cast<To>(decimal_to_double(from, scale));
    return true;
  });
}

result<array_ptr> decimal_to_decimal(call& c) {
  const int change = scale_of(*c.type) - scale_of(*c.args[0].array->type());
  const int precision = precision_of(*c.type);
  if (change == 0 && precision >= precision_of(*c.args[0].array->type())) {
    auto data = c.args[0].array->data()->Copy();
    data->type = c.type;
    return arrow::MakeArray(std::move(data));
  }
  return convert_rows<int128, int128>(c, [&](int128 from, int128& to) {
    if (change < 0) {
      to = shift_right(from, -change);
    } else if (shift_left(from, change, to)) {
      return false;
    }
    return fits(to, precision);
  });
}

template <class To>
result<array_ptr> boolean_to_integer(call& c) {
  const auto bits = boolean_bits(*c.args[0].array);
  auto values = allocate(c.rows * static_cast<std::int64_t>(sizeof(To)));
  auto* out = reinterpret_cast<To*>(values->mutable_data());
  for (std::int64_t row = 0; row < c.rows; ++row) out[row] = get_bit(bits->data(), row) ? 1 : 0;
  return make_array(c.type, c.rows, std::move(values), all_valid(c.args, c.rows));
}

template <class From>
result<array_ptr> integer_to_boolean(call& c) {
  const column_of<From> from(c.args[0]);
  auto bits = allocate_bitmap(c.rows);
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bits->size()));
  for (std::int64_t row = 0; row < c.rows; ++row)
    if (from.values[row] != 0) set_bit(bits->mutable_data(), row);
  return make_booleans(c.rows, std::move(bits), all_valid(c.args, c.rows));
}

template <class From>
kernel from_number(const arrow::DataType& to) {
  switch (to.id()) {
    case arrow::Type::DECIMAL128:
      if constexpr (std::is_integral_v<From>)
        return integer_to_decimal<From>;
      else
        return floating_to_decimal<From>;
    case arrow::Type::BOOL:
      if constexpr (std::is_integral_v<From>) return integer_to_boolean<From>;
      return nullptr;
    default:
      return dispatch_number(to, []<class To>(std::type_identity<To>) -> kernel { return number_kernel<From, To>; });
  }
}

kernel from_decimal(const arrow::DataType& to) {
  if (to.id() == arrow::Type::DECIMAL128) return decimal_to_decimal;
  return dispatch_number(to, []<class To>(std::type_identity<To>) -> kernel {
    if constexpr (std::is_integral_v<To>)
      return decimal_to_integer<To>;
    else
      return decimal_to_floating<To>;
  });
}

kernel from_boolean(const arrow::DataType& to) {
  switch (to.id()) {
    case arrow::Type::INT16:
      return boolean_to_integer<std::int16_t>;
    case arrow::Type::INT32:
      return boolean_to_integer<std::int32_t>;
    case arrow::Type::INT64:
      return boolean_to_integer<std::int64_t>;
    default:
      return nullptr;
  }
}

}  // namespace

kernel find_number_cast(const arrow::DataType& from, const arrow::DataType& to) {
  if (from.id() == arrow::Type::DECIMAL256 || to.id() == arrow::Type::DECIMAL256) return find_wide_cast(from, to);
  switch (from.id()) {
    case arrow::Type::BOOL:
      return from_boolean(to);
    case arrow::Type::DECIMAL128:
      return from_decimal(to);
    default:
      return dispatch_number(from, [&to]<class From>(std::type_identity<From>) { return from_number<From>(to); });
  }
}

}  // namespace sluice::expression
