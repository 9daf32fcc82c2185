#include "engine/formats/ndjson/conversions.hpp"

#include "engine/formats/csv/values.hpp"
#include "engine/values/powers_of_ten.hpp"
#include "engine/values/value_parse.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace sluice::ndjson {

namespace {

template <class Value>
bool append(column& into, Value value) {
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

bool append_moment(std::string_view text, column& into, zone_clock& zone) {
  csv::moment when;
  if (!csv::read_moment(csv::trim_blanks(text), when)) return false;
  // A local time that names its zone is no local time.
  if (into.kind == value_kind::timestamp) return !when.zoned && append(into, when.microseconds);
  return append(into, when.zoned ? when.microseconds : zone.to_utc(when.microseconds));
}

bool append_bytes(std::string_view text, column& into) {
  std::string bytes;
  if (parse_bytea(text, bytes) != parsed::good) return false;
  auto* out = into.values.room(static_cast<std::int64_t>(bytes.size()));
  std::memcpy(out, bytes.data(), bytes.size());
  into.values.advance_to(out + bytes.size());
  into.offsets.append(static_cast<std::int32_t>(into.values.size()));
  ++into.length;
  return true;
}

template <class Value>
bool append_parsed(std::string_view text, column& into) {
  Value value{};
  return parse_value(text, value) == parsed::good && append(into, value);
}

bool append_quoted(std::string_view text, column& into) {
  switch (into.kind) {
    case value_kind::boolean:
      return append_parsed<bool>(text, into);
    case value_kind::int16:
      return append_parsed<std::int16_t>(text, into);
    case value_kind::int32:
      return append_parsed<std::int32_t>(text, into);
    case value_kind::int64:
      return append_parsed<std::int64_t>(text, into);
    case value_kind::uint64:
      return append_parsed<std::uint64_t>(text, into);
    case value_kind::float32:
      return append_parsed<float>(text, into);
    case value_kind::float64:
      return append_parsed<double>(text, into);
    case value_kind::decimal128:
    case value_kind::decimal256:
      return append_long_decimal(text, into);
    default:
      return false;
  }
}

/// Reads a date or time by the first format that it fits.
bool append_formatted(std::string_view text, column& into, zone_clock& zone) {
  constexpr std::int64_t day = 86'400'000'000;
  csv::moment when;
  const auto& formats = into.forms->formats;
  if (!std::any_of(formats.begin(), formats.end(),
                   [&](const auto& format) { return csv::read_formatted(text, format, when); }))
    return false;
  const auto time = (when.microseconds % day + day) % day;
  switch (into.kind) {
    case value_kind::date:
      return !when.zoned && time == 0 && append(into, static_cast<std::int32_t>(when.microseconds / day));
    case value_kind::time:
      return !when.zoned && append(into, time);
    case value_kind::timestamp:
      return !when.zoned && append(into, when.microseconds);
    case value_kind::timestamptz:
      return append(into, when.zoned ? when.microseconds : zone.to_utc(when.microseconds));
    default:
      return false;
  }
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

bool append_text(std::string_view text, column& into, zone_clock& zone) {
  std::string plain;
  if (into.forms) {
    if (!into.forms->formats.empty()) return append_formatted(csv::trim_blanks(text), into, zone);
    if (!csv::plain_number(csv::trim_blanks(text), into.forms->decimal, into.forms->thousands, plain)) return false;
    return append_quoted(plain, into);
  }
  switch (into.kind) {
    case value_kind::date: {
      std::int32_t days = 0;
      return parse_date(text, days) == parsed::good && append(into, days);
    }
    case value_kind::time: {
      std::int64_t microseconds = 0;
      return csv::read_time(csv::trim_blanks(text), microseconds) && append(into, microseconds);
    }
    case value_kind::timestamp:
    case value_kind::timestamptz:
      return append_moment(text, into, zone);
    case value_kind::bytea:
      return append_bytes(text, into);
    case value_kind::interval: {
      interval_value value;
      return parse_interval(text, value) == parsed::good && append(into, value);
    }
    default:
      return into.given && append_quoted(text, into);
  }
}

}  // namespace sluice::ndjson
