// Casts between numbers of which one is a decimal with more than 38 digits. From text: cast_texts.cpp.
#include "engine/expression/kernels/casts.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/expression/kernels/wide_decimals.hpp"
#include "engine/values/value_parse.hpp"

#include <arrow/array/array_binary.h>

#include <fast_float/fast_float.h>

#include <cmath>
#include <limits>

namespace sluice::expression {

namespace {

template <class Work>
result<array_ptr> to_wide(call& c, Work&& work) {
  row_failures failures(c);
  return fill_wide(c, failures, std::forward<Work>(work), [&](std::int64_t row) { fail_range(failures, c, row); });
}

result<array_ptr> between_decimals(call& c) {
  const wide_column from(c.args[0]);
  const int change = scale_of(*c.type) - from.scale;
  const int precision = precision_of(*c.type);
  const int width = c.type->id() == arrow::Type::DECIMAL256 ? 32 : 16;
  const bool short_way = !from.constant && from.array.type_id() == arrow::Type::DECIMAL256;
  const auto* bytes = short_way ? static_cast<const arrow::FixedSizeBinaryArray&>(from.array).raw_values() : nullptr;
  row_failures failures(c);
  return fill_wide(
      c, failures,
      [&](std::int64_t row, wide_integer& out) {
        out = rescale(from[row], change);
        return true;
      },
      [&](std::int64_t row) { fail_range(failures, c, row); },
      [&](std::int64_t row, std::uint8_t* out) {
        int128 value = 0;
        return bytes != nullptr && narrow_value(bytes, row, value) &&
               write_with_fewer_places(value, -change, precision, width, out);
      });
}

template <class From>
result<array_ptr> from_integer(call& c) {
  const column_of<From> from(c.args[0]);
  const int scale = scale_of(*c.type);
  return to_wide(c, [&](std::int64_t row, wide_integer& out) {
    out = rescale(wide_integer(from[row]), scale);
    return true;
  });
}

// By the shortest digits of the number, as for other decimals.
template <class From>
result<array_ptr> from_floating(call& c) {
  const int scale = scale_of(*c.type);
  const int precision = precision_of(*c.type);
  return convert_rows<From, wide_words>(c, [&](From from, wide_words& to) {
    if (!std::isfinite(from)) return false;
    char text[longest_value];
    char* end = std::is_same_v<From, float> ? write_float(text, static_cast<float>(from))
                                            : write_double(text, static_cast<double>(from));
    return parse_decimal({text, end}, precision, scale, to) == parsed::good;
  });
}

template <class To, class Convert>
result<array_ptr> from_wide(call& c, Convert&& convert) {
  row_failures failures(c);
  return fill_rows<To>(c, failures, [&](std::int64_t row, To& to) {
    if (!convert(row, to)) fail_range(failures, c, row);
  });
}

template <class To>
result<array_ptr> to_integer(call& c) {
  const wide_column from(c.args[0]);
  return from_wide<To>(c, [&](std::int64_t row, To& out) {
    const auto rounded = rescale(from[row], -from.scale);
    if (rounded < std::numeric_limits<To>::min() || rounded > std::numeric_limits<To>::max()) return false;
    out = static_cast<To>(rounded);
    return true;
  });
}

// The nearest number, by way of the digits.
template <class To>
result<array_ptr> to_floating(call& c) {
  const wide_column from(c.args[0]);
  return from_wide<To>(c, [&](std::int64_t row, To& out) {
    const auto text = from.text(row);
    fast_float::from_chars(text.data(), text.data() + text.size(), out);
    return std::isfinite(out);
  });
}

kernel from_number(const arrow::DataType& from) {
  if (from.id() == arrow::Type::DECIMAL128 || from.id() == arrow::Type::DECIMAL256) return between_decimals;
  return dispatch_number(from, []<class From>(std::type_identity<From>) -> kernel {
    if constexpr (std::is_integral_v<From>)
      return from_integer<From>;
    else
      return from_floating<From>;
  });
}

}  // namespace

kernel find_wide_cast(const arrow::DataType& from, const arrow::DataType& to) {
  if (to.id() == arrow::Type::DECIMAL256) return from_number(from);
  if (from.id() != arrow::Type::DECIMAL256) return nullptr;
  if (to.id() == arrow::Type::DECIMAL128) return between_decimals;
  return dispatch_number(to, []<class To>(std::type_identity<To>) -> kernel {
    if constexpr (std::is_integral_v<To>)
      return to_integer<To>;
    else
      return to_floating<To>;
  });
}

}  // namespace sluice::expression
