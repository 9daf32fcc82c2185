// Dates, times, intervals and bytes out of text.
#include "engine/values/calendar.hpp"
#include "engine/values/value_parse.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace sluice {

namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

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

// ".5" in microseconds, rounded to the sixth digit.
bool take_fraction(std::string_view& text, std::int64_t& microseconds) {
  microseconds = 0;
  if (!take(text, '.')) return true;
  int digits = 0;
  bool round_up = false;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    if (digits < 6) microseconds = microseconds * 10 + (text.front() - '0');
    if (digits == 6) round_up = text.front() >= '5';
  }
  for (int i = digits; i < 6; ++i) microseconds *= 10;
  microseconds += round_up ? 1 : 0;
  return digits > 0;
}

parsed take_date(std::string_view& text, std::int64_t& days) {
  std::int64_t year = 0, month = 0, day = 0;
  const int year_digits = take_digits(text, 6, year);
  if (year_digits < 4 || !take(text, '-') || take_digits(text, 2, month) == 0 || !take(text, '-') ||
      take_digits(text, 2, day) == 0 || (!text.empty() && is_digit(text.front())))
    return parsed::malformed;
  if (year == 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, static_cast<int>(month)))
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

struct interval_unit {
  std::string_view name;
  double months;
  double days;
  double nanoseconds;
};

constexpr double second = 1e9;
constexpr std::array interval_units = {interval_unit{"millennium", 12000, 0, 0},
                                       interval_unit{"millennia", 12000, 0, 0},
                                       interval_unit{"century", 1200, 0, 0},
                                       interval_unit{"centuries", 1200, 0, 0},
                                       interval_unit{"decade", 120, 0, 0},
                                       interval_unit{"year", 12, 0, 0},
                                       interval_unit{"y", 12, 0, 0},
                                       interval_unit{"quarter", 3, 0, 0},
                                       interval_unit{"month", 1, 0, 0},
                                       interval_unit{"mon", 1, 0, 0},
                                       interval_unit{"week", 0, 7, 0},
                                       interval_unit{"w", 0, 7, 0},
                                       interval_unit{"day", 0, 1, 0},
                                       interval_unit{"d", 0, 1, 0},
                                       interval_unit{"hour", 0, 0, 3600 * second},
                                       interval_unit{"h", 0, 0, 3600 * second},
                                       interval_unit{"minute", 0, 0, 60 * second},
                                       interval_unit{"min", 0, 0, 60 * second},
                                       interval_unit{"m", 0, 0, 60 * second},
                                       interval_unit{"second", 0, 0, second},
                                       interval_unit{"sec", 0, 0, second},
                                       interval_unit{"s", 0, 0, second},
                                       interval_unit{"millisecond", 0, 0, 1e6},
                                       interval_unit{"ms", 0, 0, 1e6},
                                       interval_unit{"microsecond", 0, 0, 1e3},
                                       interval_unit{"us", 0, 0, 1e3}};

const interval_unit* find_unit(std::string_view word) {
  for (const auto& unit : interval_units)
    if (word == unit.name || (word.size() == unit.name.size() + 1 && word.back() == 's' &&
                              word.starts_with(unit.name) && unit.name.size() > 2))
      return &unit;
  return nullptr;
}

// Gathers the parts; fractions of a month or day go over to the smaller ones, as PostgreSQL has it (30 days a month).
struct interval_sum {
  double months = 0, days = 0, nanoseconds = 0;

  void add(const interval_unit& unit, double count) {
    const double in_months = unit.months * count;
    months += std::trunc(in_months);
    const double in_days = unit.days * count + (in_months - std::trunc(in_months)) * 30;
    days += std::trunc(in_days);
    nanoseconds += unit.nanoseconds * count + std::round((in_days - std::trunc(in_days)) * 86'400e6) * 1e3;
  }

  parsed store(interval_value& out, bool ago) const {
    const double sign = ago ? -1 : 1;
    if (std::fabs(months) > 2e9 || std::fabs(days) > 2e9 || std::fabs(nanoseconds) > 9.2e18)
      return parsed::out_of_range;
    out = {.months = static_cast<std::int32_t>(sign * months),
           .days = static_cast<std::int32_t>(sign * days),
           .nanoseconds = static_cast<std::int64_t>(sign * std::round(nanoseconds / 1e3) * 1e3)};
    return parsed::good;
  }
};

bool take_number(std::string_view& text, double& out) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  if (problem != std::errc{} || end == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// P1Y2M3DT4H5M6S
parsed parse_iso_interval(std::string_view text, interval_value& out) {
  interval_sum sum;
  bool time = false;
  bool any = false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (!time && take(text, 'T')) {
      time = true;
      continue;
    }
    double count = 0;
    if (!take_number(text, count) || text.empty()) return parsed::malformed;
    const char c = text.front();
    const std::string_view name = c == 'Y' && !time   ? "year"
                                  : c == 'M' && !time ? "month"
                                  : c == 'W' && !time ? "week"
                                  : c == 'D' && !time ? "day"
                                  : c == 'H' && time  ? "hour"
                                  : c == 'M' && time  ? "minute"
                                  : c == 'S' && time  ? "second"
                                                      : "";
    if (name.empty()) return parsed::malformed;
    text.remove_prefix(1);
    sum.add(*find_unit(name), count);
    any = true;
  }
  return any ? sum.store(out, false) : parsed::malformed;
}

}  // namespace

parsed parse_date(std::string_view text, std::int32_t& out) {
  text = trimmed(text);
  std::int64_t days = 0;
  const auto outcome = take_date(text, days);
  if (outcome != parsed::good) return outcome;
  if (!text.empty()) return parsed::malformed;
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
  std::int64_t days = 0, time = 0;
  has_offset = false;
  offset = 0;
  if (const auto outcome = take_date(text, days); outcome != parsed::good) return outcome;
  if (days > 106'000'000) return parsed::out_of_range;
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

parsed parse_interval(std::string_view text, interval_value& out) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == 'P') return parse_iso_interval(text, out);
  interval_sum sum;
  bool any = false;
  while (!text.empty()) {
    if (is_blank(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    if (any && text == "ago") return sum.store(out, true);
    const bool negative = text.front() == '-';
    if (negative || text.front() == '+') text.remove_prefix(1);
    auto clock = text;
    std::int64_t hours = 0;
    double count = 0;
    if (take_digits(clock, 9, hours) > 0 && take(clock, ':')) {
      std::int64_t minutes = 0, seconds = 0, fraction = 0;
      if (take_digits(clock, 2, minutes) != 2) return parsed::malformed;
      if (take(clock, ':') && (take_digits(clock, 2, seconds) != 2 || !take_fraction(clock, fraction)))
        return parsed::malformed;
      if (minutes > 59 || seconds > 59) return parsed::out_of_range;
      text = clock;
      const double total =
          static_cast<double>((hours * 60 + minutes) * 60 + seconds) * second + static_cast<double>(fraction) * 1e3;
      sum.nanoseconds += negative ? -total : total;
    } else {
      if (text.empty() || (!is_digit(text.front()) && text.front() != '.') || !take_number(text, count))
        return parsed::malformed;
      while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
      std::string word;
      while (!text.empty() && is_letter(text.front())) {
        word += lower(text.front());
        text.remove_prefix(1);
      }
      const auto* unit = find_unit(word.empty() && text.empty() ? "second" : word);
      if (unit == nullptr) return parsed::malformed;
      sum.add(*unit, negative ? -count : count);
    }
    any = true;
  }
  return any ? sum.store(out, false) : parsed::malformed;
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
