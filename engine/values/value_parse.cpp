#include "engine/values/value_parse.hpp"

#include "engine/values/ascii.hpp"
#include "engine/values/powers_of_ten.hpp"

#include <arrow/util/decimal.h>
#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sluice {

namespace {

using ascii::is_digit;
using ascii::lower;
using ascii::trimmed;

template <class Integer>
parsed read_integer(std::string_view text, Integer& out) {
  text = trimmed(text);
  const bool plus = !text.empty() && text.front() == '+';
  if (plus) text.remove_prefix(1);
  if (text.empty() || (plus && !is_digit(text.front()))) return parsed::malformed;
  const bool negative_zero = std::is_unsigned_v<Integer> && text.size() > 1 && text.front() == '-';
  if (negative_zero) {
    const auto digits = text.substr(1);
    if (!std::all_of(digits.begin(), digits.end(), is_digit)) return parsed::malformed;
    out = 0;
    return digits.find_first_not_of('0') == std::string_view::npos ? parsed::good : parsed::out_of_range;
  }
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (end != text.data() + text.size() || problem == std::errc::invalid_argument) return parsed::malformed;
  return problem == std::errc::result_out_of_range ? parsed::out_of_range : parsed::good;
}

template <class Float>
parsed read_floating(std::string_view text, Float& out) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+' && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  if (text.empty()) return parsed::malformed;
  const auto [end, problem] = fast_float::from_chars(text.data(), text.data() + text.size(), out);
  if (end != text.data() + text.size() || problem == std::errc::invalid_argument) return parsed::malformed;
  const bool named = text.find_first_of("nN") != std::string_view::npos;  // inf, nan
  if (problem != std::errc{} || (std::isinf(out) && !named)) return parsed::out_of_range;
  if (out == 0) {
    // A number too small to be told from zero.
    const auto mantissa = text.substr(0, text.find_first_of("eE"));
    if (mantissa.find_first_of("123456789") != std::string_view::npos) return parsed::out_of_range;
  }
  return parsed::good;
}

}  // namespace

parsed parse_value(std::string_view text, bool& out) {
  text = trimmed(text);
  char word[6] = {};
  if (text.empty() || text.size() > 5) return parsed::malformed;
  std::transform(text.begin(), text.end(), word, [](char c) { return lower(c); });
  const std::string_view lowered(word, text.size());
  for (const std::string_view yes : {"true", "t", "yes", "y", "on", "1"})
    if (lowered == yes) return out = true, parsed::good;
  for (const std::string_view no : {"false", "f", "no", "n", "off", "0"})
    if (lowered == no) return out = false, parsed::good;
  return parsed::malformed;
}

parsed parse_value(std::string_view text, std::int16_t& out) { return read_integer(text, out); }
parsed parse_value(std::string_view text, std::int32_t& out) { return read_integer(text, out); }
parsed parse_value(std::string_view text, std::int64_t& out) { return read_integer(text, out); }
parsed parse_value(std::string_view text, std::uint64_t& out) { return read_integer(text, out); }
parsed parse_value(std::string_view text, float& out) { return read_floating(text, out); }
parsed parse_value(std::string_view text, double& out) { return read_floating(text, out); }

namespace {

// "-1234.5": up to 18 digits, no exponent, no more places than are kept. False: take the long way.
bool read_plain_decimal(std::string_view text, int precision, int scale, int128& out) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() > 19 || precision > 18) return false;
  std::uint64_t value = 0;
  int digits = 0;
  int places = -1;
  for (const char c : text) {
    if (is_digit(c)) {
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
      ++digits;
      places += places >= 0 ? 1 : 0;
    } else if (c == '.' && places < 0) {
      places = 0;
    } else {
      return false;
    }
  }
  const int missing = scale - std::max(places, 0);
  if (digits == 0 || digits > 18 || missing < 0 || digits + missing > 18) return false;
  value *= whole_powers_of_ten[missing];
  if (value >= whole_powers_of_ten[precision]) return false;
  out = negative ? -static_cast<int128>(value) : static_cast<int128>(value);
  return true;
}

// The digits of an unscaled decimal, leading zeros left out.
struct decimal_digits {
  bool negative = false;
  bool rounds_up = false;  ///< the first digit that is not kept is 5 or more
  bool exact = true;       ///< digits that are not kept are zeros
  int count = 0;
  std::array<char, 76> values{};  ///< 0 to 9
};

// "1e-3" cut into "1" and -3.
parsed cut_exponent(std::string_view& text, std::int64_t& exponent) {
  const auto mark = text.find_first_of("eE");
  if (mark == std::string_view::npos) return parsed::good;
  auto digits = text.substr(mark + 1);
  if (!digits.empty() && digits.front() == '+') {
    digits.remove_prefix(1);
    if (digits.empty() || !is_digit(digits.front())) return parsed::malformed;
  }
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (end != digits.data() + digits.size() || digits.empty() || problem == std::errc::invalid_argument)
    return parsed::malformed;
  if (problem != std::errc{} || exponent > 100'000 || exponent < -100'000) return parsed::out_of_range;
  text = text.substr(0, mark);
  return parsed::good;
}

parsed read_digits(std::string_view text, int precision, int scale, decimal_digits& out) {
  text = trimmed(text);
  out.negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  if (const auto cut = cut_exponent(text, exponent); cut != parsed::good) return cut;
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  const auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return parsed::malformed;
  if (!std::all_of(whole.begin(), whole.end(), is_digit) || !std::all_of(fraction.begin(), fraction.end(), is_digit))
    return parsed::malformed;
  // Digit i of whole + fraction stands for ten to the (whole digits + exponent - 1 - i).
  const auto places = static_cast<std::int64_t>(whole.size()) + exponent + scale;  // digits that are kept
  const auto count = static_cast<std::int64_t>(whole.size() + fraction.size());
  const auto digit = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    return at < whole.size() ? whole[at] - '0' : fraction[at - whole.size()] - '0';
  };
  for (std::int64_t i = 0; i < places; ++i) {
    const int next = i < count ? digit(i) : 0;
    if (out.count == 0 && next == 0) {
      if (i >= count) break;
      continue;
    }
    if (out.count == precision) return parsed::out_of_range;
    out.values[static_cast<std::size_t>(out.count++)] = static_cast<char>(next);
  }
  out.rounds_up = places >= 0 && places < count && digit(places) >= 5;
  for (auto i = std::max<std::int64_t>(places, 0); i < count && out.exact; ++i) out.exact = digit(i) == 0;
  return parsed::good;
}

}  // namespace

parsed parse_decimal(std::string_view text, int precision, int scale, int128& out) {
  if (read_plain_decimal(text, precision, scale, out)) return parsed::good;
  decimal_digits digits;
  if (const auto read = read_digits(text, precision, scale, digits); read != parsed::good) return read;
  int128 value = 0;
  for (int i = 0; i < digits.count; ++i) value = value * 10 + digits.values[static_cast<std::size_t>(i)];
  if (digits.rounds_up) ++value;
  int128 limit = 1;
  for (int i = 0; i < precision; ++i) limit *= 10;
  if (value >= limit) return parsed::out_of_range;
  out = digits.negative ? -value : value;
  return parsed::good;
}

namespace {

parsed make_wide(const decimal_digits& digits, int precision, wide_words& out) {
  arrow::Decimal256 value;
  for (int i = 0; i < digits.count;) {
    std::int64_t part = 0;
    std::int64_t unit = 1;
    for (; i < digits.count && unit < 100'000'000'000'000'000; ++i, unit *= 10)
      part = part * 10 + digits.values[static_cast<std::size_t>(i)];
    value = arrow::Decimal256(value * arrow::Decimal256(unit) + arrow::Decimal256(part));
  }
  if (digits.rounds_up) value += arrow::Decimal256(1);
  if (!value.FitsInPrecision(precision)) return parsed::out_of_range;
  if (digits.negative) value.Negate();
  out = value.little_endian_array();
  return parsed::good;
}

}  // namespace

parsed parse_decimal(std::string_view text, int precision, int scale, wide_words& out) {
  decimal_digits digits;
  if (const auto read = read_digits(text, precision, scale, digits); read != parsed::good) return read;
  return make_wide(digits, precision, out);
}

parsed parse_exact_decimal(std::string_view text, int precision, int scale, wide_words& out) {
  decimal_digits digits;
  if (const auto read = read_digits(text, precision, scale, digits); read != parsed::good) return read;
  return digits.exact ? make_wide(digits, precision, out) : parsed::out_of_range;
}

}  // namespace sluice
