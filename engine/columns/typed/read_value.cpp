#include "engine/columns/typed/read_value.hpp"

#include "engine/columns/typed/plain_value.hpp"
#include "engine/values/value_parse.hpp"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sluice::typed {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != word[i]) return false;
  }
  return true;
}

std::string_view without_plus(std::string_view text) {
  return text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+' ? text.substr(1) : text;
}

template <class Integer>
bool read_whole(std::string_view text, Integer& out) {
  text = without_plus(text);
  const auto done = std::from_chars(text.data(), text.data() + text.size(), out);
  return done.ec == std::errc() && done.ptr == text.data() + text.size();
}

template <class Floating>
bool read_floating(std::string_view text, Floating& out) {
  text = without_plus(text);
  if (text.empty()) return false;
  const auto done = fast_float::from_chars(text.data(), text.data() + text.size(), out);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size()) return false;
  const char first = lower(text[0] == '-' && text.size() > 1 ? text[1] : text[0]);
  return std::isfinite(out) || first == 'i' || first == 'n';
}

/// Takes values off the front of a text.
class cursor {
 public:
  explicit cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return text_.empty(); }
  [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_[0]; }
  bool take(char wanted) {
    if (peek() != wanted || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// From `least` to `most` digits.
  bool number(int least, int most, int& out) {
    int count = 0;
    out = 0;
    while (count < most && digit(peek())) {
      out = out * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
      ++count;
    }
    return count >= least;
  }
  /// Digits behind a point as microseconds; more than six only where the rest is zeros.
  bool fraction(int& microseconds) {
    int count = 0;
    microseconds = 0;
    for (; digit(peek()); text_.remove_prefix(1), ++count) {
      if (count < 6) {
        microseconds = microseconds * 10 + (text_[0] - '0');
      } else if (text_[0] != '0') {
        return false;
      }
    }
    for (int i = count; i < 6; ++i) microseconds *= 10;
    return count > 0;
  }
  bool word(std::string_view name) {
    if (text_.size() < name.size() || !same_word(text_.substr(0, name.size()), name)) return false;
    text_.remove_prefix(name.size());
    return true;
  }
  /// Z, or an offset; in seconds east of Greenwich.
  bool zone(int& seconds) {
    seconds = 0;
    if (take('Z') || take('z')) return true;
    if (peek() != '+' && peek() != '-') return false;
    const int sign = take('-') ? -1 : 1;
    if (sign > 0) take('+');
    int hours = 0;
    int minutes = 0;
    if (!number(2, 2, hours)) return false;
    if (take(':')) {
      if (!number(2, 2, minutes)) return false;
    } else if (digit(peek()) && !number(2, 2, minutes)) {
      return false;
    }
    if (hours > 15 || minutes > 59) return false;
    seconds = sign * (hours * 3600 + minutes * 60);
    return true;
  }
  void skip_blanks() {
    while (peek() == ' ') text_.remove_prefix(1);
  }

 private:
  std::string_view text_;
};

bool clock_time(cursor& from, std::int64_t& out) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int fraction = 0;
  if (!from.number(1, 2, hour) || !from.take(':') || !from.number(2, 2, minute)) return false;
  if (from.take(':')) {
    if (!from.number(2, 2, second)) return false;
    if (from.take('.') && !from.fraction(fraction)) return false;
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  out = ((hour * 60 + minute) * 60 + second) * std::int64_t{1'000'000} + fraction;
  return true;
}

constexpr std::int64_t day_microseconds = 86'400'000'000;

constexpr std::string_view months[] = {"january", "february", "march",     "april",   "may",      "june",
                                       "july",    "august",   "september", "october", "november", "december"};
constexpr std::string_view weekdays[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

/// What the directives of a format found.
struct parts {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, microsecond = 0, zone = 0, day_of_year = 0;
  int afternoon = -1;
  bool zoned = false;
};

template <std::size_t Count>
int take_name(cursor& from, const std::string_view (&names)[Count]) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (from.word(names[i]) || from.word(names[i].substr(0, 3))) return static_cast<int>(i);
  }
  return -1;
}

bool take_directive(cursor& from, char directive, parts& out);

bool take_format(cursor& from, std::string_view format, parts& out) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      if (!from.take(format[i])) return false;
    } else if (!take_directive(from, format[++i], out)) {
      return false;
    }
  }
  return true;
}

bool take_directive(cursor& from, char directive, parts& out) {
  switch (directive) {
    case 'Y':
      return from.number(4, 4, out.year);
    case 'y':
      if (!from.number(2, 2, out.year)) return false;
      out.year += out.year < 69 ? 2000 : 1900;
      return true;
    case 'm':
      return from.number(1, 2, out.month);
    case 'e':
      from.skip_blanks();
      return from.number(1, 2, out.day);
    case 'd':
      return from.number(1, 2, out.day);
    case 'H':
      return from.number(1, 2, out.hour);
    case 'I':
      return from.number(1, 2, out.hour) && out.hour >= 1 && out.hour <= 12;
    case 'M':
      return from.number(1, 2, out.minute);
    case 'S':
      if (!from.number(1, 2, out.second)) return false;
      return !from.take('.') || from.fraction(out.microsecond);
    case 'f':
      return from.fraction(out.microsecond);
    case 'j':
      return from.number(1, 3, out.day_of_year) && out.day_of_year >= 1;
    case 'b':
    case 'h':
    case 'B':
      return (out.month = take_name(from, months) + 1) > 0;
    case 'a':
    case 'A':
      return take_name(from, weekdays) >= 0;
    case 'p':
      return (out.afternoon = from.word("pm") ? 1 : from.word("am") ? 0 : -1) >= 0;
    case 'z':
      return out.zoned = from.zone(out.zone);
    case 'Z':
      return out.zoned = from.word("utc") || from.word("gmt") || from.take('Z');
    case 'F':
      return take_format(from, "%Y-%m-%d", out);
    case 'T':
      return take_format(from, "%H:%M:%S", out);
    case '%':
      return from.take('%');
    default:
      return false;
  }
}

}  // namespace

bool read_integer(std::string_view text, std::int64_t& out) { return read_whole(text, out); }
bool read_unsigned(std::string_view text, std::uint64_t& out) { return read_whole(text, out); }
bool read_double(std::string_view text, double& out) { return read_floating(text, out); }
bool read_float(std::string_view text, float& out) { return read_floating(text, out); }

bool beyond_double(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  constexpr std::size_t surely_exact = 15;
  constexpr std::size_t most_digits = 19;  // that 64 bits hold
  if (text.size() <= surely_exact || !std::all_of(text.begin(), text.end(), digit)) return false;
  if (text.size() > most_digits) return true;
  std::uint64_t number = 0;
  for (const char c : text) number = number * 10 + static_cast<std::uint64_t>(c - '0');
  return static_cast<std::uint64_t>(static_cast<double>(number)) != number;
}

bool read_boolean(std::string_view text, bool& out) {
  for (const auto* word : {"true", "t", "yes", "y", "on", "1"}) {
    if (same_word(text, word)) return out = true;
  }
  for (const auto* word : {"false", "f", "no", "n", "off", "0"}) {
    if (same_word(text, word)) return out = false, true;
  }
  return false;
}

bool read_date(std::string_view text, std::int32_t& out) {
  if (text.size() != 10) return false;
  std::uint8_t padded[16] = {};
  std::memcpy(padded, text.data(), 10);
  return parse_iso_date(padded, out);
}

bool read_time(std::string_view text, std::int64_t& out) {
  cursor from(text);
  return clock_time(from, out) && from.done();
}

bool read_bytea(std::string_view text, std::string& out) {
  if (text.starts_with("\\x")) return parse_bytea(text, out) == parsed::good;
  out.assign(text);
  return true;
}

bool read_moment(std::string_view text, moment& out) {
  constexpr std::size_t plain = 19;  // 2024-05-01 12:00:00
  if (text.size() == plain) {
    std::uint8_t padded[32] = {};
    std::memcpy(padded, text.data(), plain);
    out.zoned = false;
    if (parse_plain_moment(padded, out.microseconds)) return true;
  }
  std::int32_t days = 0;
  if (text.size() < 10 || !read_date(text.substr(0, 10), days)) return false;
  out = {.microseconds = days * day_microseconds, .zoned = false};
  cursor from(text.substr(10));
  if (from.done()) return true;
  if (!from.take('T') && !from.take(' ') && !from.take('t')) return false;
  std::int64_t time = 0;
  if (!clock_time(from, time)) return false;
  out.microseconds += time;
  if (from.done()) return true;
  from.take(' ');
  int seconds = 0;
  if (!from.word("utc") && !from.zone(seconds)) return false;
  out.zoned = true;
  out.microseconds -= std::int64_t{seconds} * 1'000'000;
  return from.done();
}

bool read_formatted(std::string_view text, std::string_view format, moment& out) {
  cursor from(text);
  parts found;
  if (!take_format(from, format, found) || !from.done()) return false;
  if (found.afternoon >= 0 && (found.hour < 1 || found.hour > 12)) return false;
  if (found.afternoon >= 0) found.hour = found.hour % 12 + 12 * found.afternoon;
  if (found.year < 1 || found.month < 1 || found.month > 12 || found.day < 1 || found.hour > 23 || found.minute > 59 ||
      found.second > 59)
    return false;
  const auto month = static_cast<unsigned>(found.month);
  if (static_cast<unsigned>(found.day) > days_in_month(found.year, month)) return false;
  std::int64_t days = days_of(found.year, month, static_cast<unsigned>(found.day));
  if (found.day_of_year > 0) {
    if (found.day_of_year > 337 + static_cast<int>(days_in_month(found.year, 2))) return false;
    days = days_of(found.year, 1, 1) + found.day_of_year - 1;
  }
  const auto seconds = (found.hour * 60 + found.minute) * 60 + found.second - found.zone;
  out = {.microseconds = days * day_microseconds + seconds * std::int64_t{1'000'000} + found.microsecond,
         .zoned = found.zoned};
  return true;
}

std::string unknown_directive(std::string_view format) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size()) return "%";
    if (std::string_view("YymdeHIMSfjbhBaApzZFT%").find(format[i]) == std::string_view::npos) return {'%', format[i]};
  }
  return {};
}

bool plain_number(std::string_view text, char decimal, char thousands, std::string& out) {
  out.clear();
  const auto point = text.find(decimal);
  const auto whole = text.substr(0, point);
  int group = 0;
  bool grouped = false;
  for (const char c : whole) {
    if (thousands != '\0' && c == thousands) {
      if (group == 0 || group > 3 || (grouped && group != 3)) return false;
      grouped = true;
      group = 0;
      continue;
    }
    if (c == '.') return false;
    if (digit(c)) ++group;
    out += c;
  }
  if (grouped && group != 3) return false;
  if (point == std::string_view::npos) return true;
  const auto rest = text.substr(point + 1);
  if (rest.find_first_of(std::string{'.', decimal}) != std::string_view::npos) return false;
  out += '.';
  out += rest;
  return true;
}

}  // namespace sluice::typed
