#include "engine/columns/typed/append.hpp"

#include "engine/columns/typed/fixed_kinds.hpp"
#include "engine/columns/typed/read_marked.hpp"
#include "engine/values/ascii.hpp"
#include "engine/values/powers_of_ten.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace sluice::typed {

namespace {

template <class Value>
bool append(column& into, const Value& value) {
  into.values.append(value);
  ++into.length;
  return true;
}

/// Whole numbers that are not written so: 1.0, 1e3, and those of 20 digits. The quotient must leave no rest.
bool whole_value(const number& value, std::uint64_t& out) {
  if (value.whole) {
    const auto* first = value.begin + (value.negative ? 1 : 0);
    return std::from_chars(first, value.end, out).ec == std::errc{};
  }
  if (!value.exact) return false;
  out = value.digits;
  for (int exponent = value.exponent; exponent < 0 && out != 0; ++exponent) {
    if (out % 10 != 0) return false;
    out /= 10;
  }
  for (int exponent = value.exponent; exponent > 0 && out != 0; --exponent) {
    if (out > std::numeric_limits<std::uint64_t>::max() / 10) return false;
    out *= 10;
  }
  return true;
}

template <class Value>
bool append_whole(const number& value, column& into) {
  auto digits = value.digits;
  if ((!value.whole || !value.exact) && !whole_value(value, digits)) return false;
  if constexpr (std::is_unsigned_v<Value>) {
    return (digits == 0 || !value.negative) && append(into, digits);
  } else {
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Value>::max());
    if (digits > largest + (value.negative ? 1 : 0)) return false;
    return append(into, static_cast<Value>(value.negative ? 0 - digits : digits));
  }
}

/// Numbers beyond the type's range read as infinity.
template <class Float>
bool append_float(Float value, column& into) {
  return std::isfinite(value) && append(into, value);
}

bool append_long_decimal(std::string_view text, column& into) {
  wide_words words;  // fails where digits would get lost
  if (parse_exact_decimal(text, into.precision, into.scale, words) != parsed::good) return false;
  // Little-endian: the lower half of a small value is its 128-bit form.
  const auto width = width_of(into.kind);
  auto* out = into.values.room(width);
  std::memcpy(out, words.data(), static_cast<std::size_t>(width));
  into.values.advance_to(out + width);
  ++into.length;
  return true;
}

bool append_decimal(const number& value, column& into) {
  const int shift = value.exponent + into.scale;
  if (into.kind == value_kind::decimal128 && value.exact && into.precision <= 18 && shift >= 0 && shift <= 18) {
    const auto limit = whole_powers_of_ten[into.precision];
    if (value.digits >= limit || value.digits > limit / whole_powers_of_ten[shift]) return false;
    const auto unscaled = value.digits * whole_powers_of_ten[shift];
    if (unscaled >= limit) return false;
    const auto low = value.negative ? 0 - unscaled : unscaled;
    const std::uint64_t parts[2] = {low, value.negative && unscaled != 0 ? ~std::uint64_t{0} : 0};
    auto* out = into.values.room(16);
    std::memcpy(out, parts, 16);
    into.values.advance_to(out + 16);
    ++into.length;
    return true;
  }
  return append_long_decimal(value.text(), into);
}

bool takes_quoted(const column& into) {
  switch (into.kind) {
    case value_kind::date:
    case value_kind::time:
    case value_kind::timestamp:
    case value_kind::timestamptz:
    case value_kind::interval:
      return true;
    default:
      return into.given;  // "7" is a number only to who says so
  }
}

bool append_bytea(std::string_view text, column& into) {
  std::string bytes;
  if (!read_bytea(text, bytes)) return false;
  append_bytes(bytes, into);
  return true;
}

bool append_marked(std::string_view text, column& into) {
  std::string value;
  if (!read_marked(text, *into.type, value)) return false;
  append_bytes(value, into);
  return true;
}

}  // namespace

bool append_number(const number& value, column& into) {
  switch (into.kind) {
    case value_kind::int64:
      return append_whole<std::int64_t>(value, into);
    case value_kind::float64:
      return (into.given || !beyond_double(value)) && append_float(to_double(value), into);
    case value_kind::int32:
      return append_whole<std::int32_t>(value, into);
    case value_kind::int16:
      return append_whole<std::int16_t>(value, into);
    case value_kind::uint64:
      return append_whole<std::uint64_t>(value, into);
    case value_kind::float32:
      return append_float(to_float(value), into);
    case value_kind::decimal128:
    case value_kind::decimal256:
      return append_decimal(value, into);
    default:
      return false;
  }
}

void append_bytes(std::string_view bytes, column& into) {
  auto* out = into.values.room(std::ssize(bytes));
  std::memcpy(out, bytes.data(), bytes.size());
  into.values.advance_to(out + bytes.size());
  into.offsets.append(static_cast<std::int32_t>(into.values.size()));
  ++into.length;
}

bool append_text(std::string_view text, column& into, zone_clock& zone) {
  if (into.kind == value_kind::text) return append_bytes(text, into), true;
  if (into.kind == value_kind::bytea) return append_bytea(text, into);
  if (into.kind == value_kind::marked) return append_marked(text, into);
  if (!takes_quoted(into)) return false;
  const value_rules rules = {.precision = into.precision, .scale = into.scale, .zone = &zone};
  std::string plain;
  return visit_fixed(into.kind, [&]<class Kind>(Kind) {
    typename Kind::value value{};
    return read_any_form<Kind>(ascii::trimmed(text), rules, into.forms.get(), plain, value) && append(into, value);
  });
}

}  // namespace sluice::typed
