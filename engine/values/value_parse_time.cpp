// Dates, times and bytes out of text.
#include "engine/values/ascii.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/value_parse.hpp"

#include <fast_float/fast_float.h>

#include <cmath>

namespace sluice {

namespace {

using ascii::is_blank;
using ascii::is_digit;
using ascii::lower;
using ascii::trimmed;

// Reads up to `most` digits off the front and says how many there were.
int take_digits(std::string_view& text, std::size_t most, std::int64_t& out) {
  std::size_t count = 0;
  out = 0;
  while (count < text.size() && count < most && is_digit(text[count])) out = out * 10 + (text[count++] - '0');
  text.remove_prefix(count);
  return static_cast<int>(count);
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// ".5" in microseconds. More than six digits are rounded as PostgreSQL does, as a double and half to even.
bool take_fraction(std::string_view& text, std::int64_t& microseconds) {
  microseconds = 0;
  if (text.empty() || text.front() != '.') return true;
  std::size_t digits = 0;
  while (digits + 1 < text.size() && is_digit(text[digits + 1])) ++digits;
  if (digits > 6) {
    double fraction = 0;
    fast_float::from_chars(text.data(), text.data() + digits + 1, fraction);
    microseconds = std::llrint(fraction * 1e6);
  } else {
    for (std::size_t i = 1; i <= 6; ++i) microseconds = microseconds * 10 + (i <= digits ? text[i] - '0' : 0);
  }
  text.remove_prefix(digits + 1);
  return digits > 0;
}

// Takes " BC" off the end.
bool take_before_christ(std::string_view& text) {
  if (text.size() < 4 || lower(text.back()) != 'c' || lower(text[text.size() - 2]) != 'b' ||
      !is_blank(text[text.size() - 3]))
    return false;
  text = trimmed(text.substr(0, text.size() - 2));
  return true;
}

parsed take_date(std::string_view& text, bool before_christ, std::int64_t& days) {
  std::int64_t year = 0, month = 0, day = 0;
  const int year_digits = take_digits(text, 7, year);
  if (year_digits < 4 || !take(text, '-') || take_digits(text, 2, month) == 0 || !take(text, '-') ||
      take_digits(text, 2, day) == 0 || (!text.empty() && is_digit(text.front())))
    return parsed::malformed;
  if (year == 0) return parsed::out_of_range;
  if (before_christ) year = 1 - year;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<int>(month)))
    return parsed::out_of_range;
  days = days_from_civil(year, static_cast<int>(month), static_cast<int>(day));
  return parsed::good;
}

parsed take_time(std::string_view& text, std::int64_t& microseconds) {
  std::int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (take_digits(text, 2, hour) == 0 || !take(text, ':') || take_digits(text, 2, minute) != 2)
    return parsed::malformed;
  if (take(text, ':') && (take_digits(text, 2, second) != 2 || !take_fraction(text, fraction)))
    return parsed::malformed;
  if (hour > 24 || minute > 59 || second > 60) return parsed::out_of_range;
  microseconds = ((hour * 60 + minute) * 60 + second) * microseconds_per_second + fraction;
  return microseconds > microseconds_per_day ? parsed::out_of_range : parsed::good;
}

// Z, +02, -0330, +05:45
bool take_offset(std::string_view& text, bool& has_offset, std::int64_t& offset) {
  has_offset = false;
  offset = 0;
  if (text.empty()) return true;
  has_offset = true;
  if (text == "Z" || text == "z" || text == "UTC") {
    text = {};
    return true;
  }
  const char sign = text.front();
  if (sign != '+' && sign != '-') return false;
  text.remove_prefix(1);
  std::int64_t hours = 0, minutes = 0;
  if (take_digits(text, 2, hours) != 2) return false;
  if (!text.empty() && (take(text, ':'), take_digits(text, 2, minutes) != 2)) return false;
  if (!text.empty() || hours > 15 || minutes > 59) return false;
  offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
  return true;
}

}  // namespace

parsed parse_date(std::string_view text, std::int32_t& out) {
  text = trimmed(text);
  const bool before_christ = take_before_christ(text);
  std::int64_t days = 0;
  const auto outcome = take_date(text, before_christ, days);
  if (outcome != parsed::good) return outcome;
  if (!text.empty()) return parsed::malformed;
  if (days != static_cast<std::int32_t>(days)) return parsed::out_of_range;
  out = static_cast<std::int32_t>(days);
  return parsed::good;
}

parsed parse_time(std::string_view text, std::int64_t& out) {
  text = trimmed(text);
  const auto outcome = take_time(text, out);
  return outcome == parsed::good && !text.empty() ? parsed::malformed : outcome;
}

parsed parse_timestamp(std::string_view text, std::int64_t& out, bool& has_offset, std::int64_t& offset) {
  text = trimmed(text);
  const bool before_christ = take_before_christ(text);
  std::int64_t days = 0, time = 0;
  has_offset = false;
  offset = 0;
  if (const auto outcome = take_date(text, before_christ, days); outcome != parsed::good) return outcome;
  // 64 bits of microseconds, less a day for the offset.
  constexpr std::int64_t most_days = 106'751'989;
  if (days > most_days || days < -most_days) return parsed::out_of_range;
  if (!text.empty()) {
    if (!take(text, 'T') && !take(text, ' ')) return parsed::malformed;
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (const auto outcome = take_time(text, time); outcome != parsed::good) return outcome;
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    if (!take_offset(text, has_offset, offset)) return parsed::malformed;
  }
  out = days * microseconds_per_day + time;
  return parsed::good;
}

parsed parse_bytea(std::string_view text, std::string& out) {
  out.clear();
  if (!text.starts_with("\\x")) {
    out = text;
    return text.find('\\') == std::string_view::npos ? parsed::good : parsed::malformed;
  }
  const auto nibble = [](char c) {
    return is_digit(c) ? c - '0' : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
  };
  text.remove_prefix(2);
  if (text.size() % 2 != 0) return parsed::malformed;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = nibble(text[i]);
    const int low = nibble(text[i + 1]);
    if (high < 0 || low < 0) return parsed::malformed;
    out += static_cast<char>(high * 16 + low);
  }
  return parsed::good;
}

}  // namespace sluice
