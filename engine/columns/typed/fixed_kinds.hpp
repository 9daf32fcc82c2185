#pragma once

#include "engine/columns/typed/column.hpp"
#include "engine/columns/typed/plain_value.hpp"
#include "engine/columns/typed/read_value.hpp"
#include "engine/columns/typed/spelling.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/value_parse.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

/// How values of one width are read, one kind a type: the one place that knows which texts a type takes.
namespace sluice::typed {

/// What a kind needs to know of its column.
struct value_rules {
  bool inferred = false;  ///< only values that are written as they were read
  int precision = 0;
  int scale = 0;
  zone_clock* zone = nullptr;  ///< of timestamptz values without offset
};

inline bool odd_number(const std::uint8_t* begin, std::size_t length) {
  const std::size_t sign = length > 1 && *begin == '-' ? 1 : 0;
  return has_leading_zero(begin + sign, length - sign);
}

// A kind has `fast`, for the plain form (may read 16 bytes around the field), and `read`, for all forms, blanks around
// them gone. Those that formats are for have `of`.

template <class Integer>
struct integer_kind {
  using value = Integer;
  static constexpr bool number = true;
  static bool in_range(std::int64_t wide) {
    return wide >= std::numeric_limits<Integer>::min() && wide <= std::numeric_limits<Integer>::max();
  }
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules& rules, value& out) {
    std::int64_t wide = 0;
    if (!parse_integer(begin, length, wide)) return false;
    if (rules.inferred && (odd_number(begin, length) || (wide == 0 && length > 1))) return false;
    out = static_cast<Integer>(wide);
    return sizeof(Integer) == 8 || in_range(wide);
  }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    std::int64_t wide = 0;
    if (!(rules.inferred ? spells_integer(text, wide) : read_integer(text, wide)) || !in_range(wide)) return false;
    out = static_cast<Integer>(wide);
    return true;
  }
};

struct unsigned_kind {
  using value = std::uint64_t;
  static constexpr bool number = true;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules&, value& out) {
    return parse_digits(begin, length, out);
  }
  static bool read(std::string_view text, const value_rules&, value& out) { return read_unsigned(text, out); }
};

struct double_kind {
  using value = double;
  static constexpr bool number = true;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules& rules, value& out) {
    if (!parse_double(begin, length, out)) return false;
    return !rules.inferred || surely_shortest(begin, length, out);
  }
  /// At most 15 digits, none of them to no purpose: those that are written for the value they give.
  static bool surely_shortest(const std::uint8_t* begin, std::size_t length, double value) {
    const auto magnitude = value < 0 ? -value : value;
    if (length > 15 || magnitude < 1e-4) return length == 1 && *begin == '0';
    const std::size_t sign = value < 0 ? 1 : 0;
    if (begin[sign] == '.' || has_leading_zero(begin + sign, length - sign)) return false;
    const auto last = begin[length - 1];
    return last != '.' && (last != '0' || std::memchr(begin, '.', length) == nullptr);
  }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    return rules.inferred ? spells_double(text, out) : read_double(text, out);
  }
};

struct float_kind {
  using value = float;
  static constexpr bool number = true;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules&, value& out) {
    return read_float({reinterpret_cast<const char*>(begin), length}, out);
  }
  static bool read(std::string_view text, const value_rules&, value& out) { return read_float(text, out); }
};

inline constexpr auto ten_to = [] {
  std::array<int128, 39> all{};
  all[0] = 1;
  for (std::size_t i = 1; i < all.size(); ++i) all[i] = all[i - 1] * 10;
  return all;
}();

/// Reads all forms into a decimal of 256 bits; digits that the scale has no room for must be zeros.
inline bool read_decimal(std::string_view text, const value_rules& rules, wide_words& out) {
  return parse_exact_decimal(text, rules.precision, rules.scale, out) == parsed::good;
}

struct decimal128_kind {
  using value = int128;
  static constexpr bool number = true;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules& rules, value& out) {
    const std::size_t negative = *begin == '-' ? 1 : 0;
    std::uint64_t digits = 0;
    unsigned behind = 0;
    if (!parse_pointed(begin + negative, length - negative, digits, behind)) return false;
    const int up = rules.scale - static_cast<int>(behind);
    if (up < 0 || up > 20) return false;
    if (rules.inferred &&
        (up > 0 || (digits == 0 && negative != 0) || begin[negative] == '.' || odd_number(begin, length)))
      return false;
    const auto magnitude = static_cast<int128>(digits) * ten_to[static_cast<std::size_t>(up)];
    out = negative != 0 ? -magnitude : magnitude;
    return magnitude < ten_to[static_cast<std::size_t>(rules.precision)];
  }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    wide_words words;
    decimal_digits digits;
    if (rules.inferred && (!spells_decimal(text, digits) || digits.scale != rules.scale)) return false;
    if (!read_decimal(text, rules, words)) return false;
    std::memcpy(&out, words.data(), sizeof(out));
    return true;
  }
};

struct decimal256_kind {
  using value = wide_words;
  static constexpr bool number = true;
  static bool fast(const std::uint8_t*, std::size_t, const value_rules&, value&) { return false; }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    return read_decimal(text, rules, out);
  }
};

struct date_kind {
  using value = std::int32_t;
  static constexpr bool number = false;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules&, value& out) {
    return length == 10 && parse_iso_date(begin, out);
  }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    return read_date(text, out) || (!rules.inferred && parse_date(text, out) == parsed::good);
  }
  static bool of(const moment& when, const value_rules&, value& out) {
    constexpr std::int64_t day = 86'400'000'000;
    if (when.zoned || when.microseconds % day != 0) return false;  // no part of a value is dropped
    out = static_cast<std::int32_t>(when.microseconds / day);
    return true;
  }
};

struct time_kind {
  using value = std::int64_t;
  static constexpr bool number = false;
  static bool fast(const std::uint8_t*, std::size_t, const value_rules&, value&) { return false; }
  static bool read(std::string_view text, const value_rules&, value& out) { return read_time(text, out); }
  static bool of(const moment& when, const value_rules&, value& out) {
    constexpr std::int64_t day = 86'400'000'000;
    out = (when.microseconds % day + day) % day;
    return !when.zoned;
  }
};

struct timestamp_kind {
  using value = std::int64_t;
  static constexpr bool number = false;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules&, value& out) {
    return length == 19 && parse_plain_moment(begin, out);
  }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    moment when;
    return read_moment(text, when) && of(when, rules, out);
  }
  // An offset would be lost without a word.
  static bool of(const moment& when, const value_rules&, value& out) { return out = when.microseconds, !when.zoned; }
};

/// Moments without offset are those of the run's time zone; inferred ones have one.
struct zoned_kind {
  using value = std::int64_t;
  static constexpr bool number = false;
  static bool fast(const std::uint8_t* begin, std::size_t length, const value_rules& rules, value& out) {
    if (rules.inferred || length != 19 || !parse_plain_moment(begin, out)) return false;
    out = rules.zone->to_utc(out);
    return true;
  }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    moment when;
    return read_moment(text, when) && of(when, rules, out);
  }
  static bool of(const moment& when, const value_rules& rules, value& out) {
    if (rules.inferred && !when.zoned) return false;
    out = when.zoned ? when.microseconds : rules.zone->to_utc(when.microseconds);
    return true;
  }
};

struct interval_kind {
  using value = interval_value;
  static constexpr bool number = false;
  static bool fast(const std::uint8_t*, std::size_t, const value_rules&, value&) { return false; }
  static bool read(std::string_view text, const value_rules&, value& out) {
    return parse_interval(text, out) == parsed::good;
  }
};

struct boolean_kind {
  using value = std::uint8_t;
  static constexpr bool number = false;
  static bool fast(const std::uint8_t*, std::size_t, const value_rules&, value&) { return false; }
  static bool read(std::string_view text, const value_rules& rules, value& out) {
    bool truth = false;
    if (!read_boolean(text, truth) || (rules.inferred && !spells_boolean(text))) return false;
    out = truth ? 1 : 0;
    return true;
  }
};

/// Calls `visit` with the kind of a column whose values have one width; for the others it gives an empty answer.
template <class Visit>
auto visit_fixed(value_kind kind, Visit&& visit) -> decltype(visit(boolean_kind{})) {
  switch (kind) {
    case value_kind::boolean:
      return visit(boolean_kind{});
    case value_kind::int16:
      return visit(integer_kind<std::int16_t>{});
    case value_kind::int32:
      return visit(integer_kind<std::int32_t>{});
    case value_kind::int64:
      return visit(integer_kind<std::int64_t>{});
    case value_kind::uint64:
      return visit(unsigned_kind{});
    case value_kind::float32:
      return visit(float_kind{});
    case value_kind::float64:
      return visit(double_kind{});
    case value_kind::decimal128:
      return visit(decimal128_kind{});
    case value_kind::decimal256:
      return visit(decimal256_kind{});
    case value_kind::date:
      return visit(date_kind{});
    case value_kind::time:
      return visit(time_kind{});
    case value_kind::timestamp:
      return visit(timestamp_kind{});
    case value_kind::timestamptz:
      return visit(zoned_kind{});
    case value_kind::interval:
      return visit(interval_kind{});
    case value_kind::text:
    case value_kind::marked:
    case value_kind::bytea:
    case value_kind::list:
    case value_kind::structure:
      break;
  }
  return {};
}

/// Reads a value in any of its forms: by the column's formats and signs where it has some (`forms` is not null).
/// Blanks around the text are gone. `plain` is room to write in.
template <class Kind>
bool read_any_form(std::string_view text, const value_rules& rules, const column_plan* forms, std::string& plain,
                   typename Kind::value& out) {
  if (forms == nullptr) return Kind::read(text, rules, out);
  if (!forms->formats.empty()) {
    if constexpr (requires(const moment& when) { Kind::of(when, rules, out); }) {
      for (const auto& format : forms->formats) {
        moment when;
        if (read_formatted(text, format, when) && Kind::of(when, rules, out)) return true;
      }
    }
    return false;
  }
  if (!Kind::number) return Kind::read(text, rules, out);
  return plain_number(text, forms->decimal, forms->thousands, plain) && Kind::read(plain, rules, out);
}

}  // namespace sluice::typed
