#include "engine/values/posix_rule.hpp"

#include "engine/values/calendar.hpp"

namespace sluice {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

bool take_number(std::string_view& text, int least, int most, int& out) {
  std::size_t digits = 0;
  out = 0;
  while (digits < 3 && digits < text.size() && is_digit(text[digits])) out = out * 10 + (text[digits++] - '0');
  text.remove_prefix(digits);
  return digits > 0 && out >= least && out <= most && (text.empty() || !is_digit(text.front()));
}

// CET, or anything between angle brackets: <+0530>
bool take_name(std::string_view& text, std::string& out) {
  std::size_t end = 0;
  if (take(text, '<')) {
    while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]) || text[end] == '+' || text[end] == '-'))
      ++end;
    if (end == text.size() || text[end] != '>') return false;
    out = text.substr(0, end);
    text.remove_prefix(end + 1);
  } else {
    while (end < text.size() && is_letter(text[end])) ++end;
    out = text.substr(0, end);
    text.remove_prefix(end);
  }
  return out.size() >= 3;
}

// [+-]hh[:mm[:ss]] in seconds
bool take_time(std::string_view& text, int most_hours, std::int32_t& seconds) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  int hours = 0, minutes = 0, rest = 0;
  if (!take_number(text, 0, most_hours, hours)) return false;
  if (take(text, ':')) {
    if (!take_number(text, 0, 59, minutes)) return false;
    if (take(text, ':') && !take_number(text, 0, 59, rest)) return false;
  }
  seconds = (hours * 60 + minutes) * 60 + rest;
  if (negative) seconds = -seconds;
  return true;
}

// POSIX counts offsets west of Greenwich.
bool take_offset(std::string_view& text, std::int32_t& out) {
  if (!take_time(text, 25, out)) return false;
  out = -out;
  return out >= least_offset && out <= greatest_offset;
}

}  // namespace

bool posix_rule::take_date(std::string_view& text, date_rule& out) {
  using kind = date_rule::kind;
  if (take(text, 'M')) {
    out.what = kind::month_week_day;
    if (!take_number(text, 1, 12, out.month) || !take(text, '.') || !take_number(text, 1, 5, out.week) ||
        !take(text, '.') || !take_number(text, 0, 6, out.weekday))
      return false;
  } else if (take(text, 'J')) {
    out.what = kind::day_without_leap;
    if (!take_number(text, 1, 365, out.day)) return false;
  } else {
    out.what = kind::day_of_year;
    if (!take_number(text, 0, 365, out.day)) return false;
  }
  return !take(text, '/') || take_time(text, 167, out.time);
}

std::int64_t posix_rule::at(const date_rule& rule, std::int64_t year) {
  using kind = date_rule::kind;
  std::int64_t day = days_from_civil(year, 1, 1);
  switch (rule.what) {
    case kind::day_of_year:
      day += rule.day;
      break;
    case kind::day_without_leap:  // February 29 is not counted
      day += rule.day - 1 + (is_leap_year(year) && rule.day >= 60);
      break;
    case kind::month_week_day: {
      const auto first = days_from_civil(year, rule.month, 1);
      day = first + (rule.weekday - iso_weekday(first) + 14) % 7 + (rule.week - 1) * 7;
      if (day >= first + days_in_month(year, rule.month)) day -= 7;  // week 5 is the last one
      break;
    }
  }
  return day * 86'400 + rule.time;
}

std::optional<posix_rule> posix_rule::parse(std::string_view text) {
  posix_rule made;
  if (!take_name(text, made.standard_.abbreviation) || !take_offset(text, made.standard_.offset)) return std::nullopt;
  if (text.empty()) return made;
  auto& daylight = made.daylight_.emplace();
  daylight = {.offset = made.standard_.offset + 3600, .is_daylight = true, .abbreviation = {}};
  if (!take_name(text, daylight.abbreviation)) return std::nullopt;
  if (!text.empty() && text.front() != ',' && !take_offset(text, daylight.offset)) return std::nullopt;
  const bool dates = take(text, ',') && take_date(text, made.begin_) && take(text, ',') && take_date(text, made.end_);
  if (!dates || !text.empty()) return std::nullopt;
  return made;
}

}  // namespace sluice
