// Dates and times by a format: reading.
#include "engine/expression/functions/date_format.hpp"
#include "engine/values/calendar.hpp"

#include <algorithm>
#include <optional>

namespace sluice::expression {

namespace {

// What is not said is 0 or the first: the year 0 is 1 BC, as in PostgreSQL.
struct found_parts {
  std::int64_t year = 0, month = 1, day = 1, day_of_year = 0, hour = 0, minute = 0, second = 0, microseconds = 0,
               epoch = 0;
  std::optional<std::int64_t> julian_day, second_of_day;
  bool twelve = false, afternoon = false, has_epoch = false;
};

bool take_number(std::string_view& text, std::size_t most, std::int64_t& out) {
  std::size_t count = 0;
  out = 0;
  while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9')
    out = out * 10 + (text[count++] - '0');
  text.remove_prefix(count);
  return count > 0;
}

bool starts_with_any_case(std::string_view text, std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

// A name of a month or day, or its first three letters; `out` counts from 1.
bool take_name(std::string_view& text, std::string_view (*name_of)(std::size_t), std::size_t count, bool brief,
               std::int64_t& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = brief ? name_of(i).substr(0, 3) : name_of(i);
    if (!starts_with_any_case(text, name)) continue;
    text.remove_prefix(name.size());
    out = static_cast<std::int64_t>(i) + 1;
    return true;
  }
  return false;
}

// Up to six digits behind the point; ".5" is half a second.
bool take_fraction(std::string_view& text, std::size_t most, std::int64_t& microseconds) {
  const auto before = text.size();
  if (!take_number(text, most, microseconds)) return false;
  for (auto digits = before - text.size(); digits < 6; ++digits) microseconds *= 10;
  return true;
}

bool take_item(std::string_view& text, const date_item& item, found_parts& found) {
  std::int64_t ignored = 0;
  switch (item.part) {
    case date_part::literal:
      if (!text.starts_with(item.literal)) return false;
      text.remove_prefix(item.literal.size());
      return true;
    case date_part::year:
      return take_number(text, 4, found.year);
    case date_part::year2:
      if (!take_number(text, 2, found.year)) return false;
      found.year += found.year < 70 ? 2000 : 1900;
      return true;
    case date_part::month:
      return take_number(text, 2, found.month);
    case date_part::month_name:
      return take_name(text, month_name, 12, false, found.month);
    case date_part::month_short:
      return take_name(text, month_name, 12, true, found.month);
    case date_part::day:
      return take_number(text, 2, found.day);
    case date_part::day_of_year:
      return take_number(text, 3, found.day_of_year);
    case date_part::weekday:
      return take_number(text, 1, ignored);
    case date_part::weekday_name:
      return take_name(text, weekday_name, 7, false, ignored);
    case date_part::weekday_short:
      return take_name(text, weekday_name, 7, true, ignored);
    case date_part::hour24:
      return take_number(text, 2, found.hour);
    case date_part::hour12:
      found.twelve = true;
      return take_number(text, 2, found.hour);
    case date_part::minute:
      return take_number(text, 2, found.minute);
    case date_part::second:
      return take_number(text, 2, found.second);
    case date_part::second_of_day:
      return take_number(text, 5, found.second_of_day.emplace());
    case date_part::julian_day:
      return take_number(text, 7, found.julian_day.emplace());
    case date_part::fraction:
      return take_fraction(text, static_cast<std::size_t>(item.digits), found.microseconds);
    case date_part::meridiem: {
      const auto* const noon = item.dotted ? "p.m." : "pm";
      found.twelve = true;
      found.afternoon = starts_with_any_case(text, noon);
      if (!found.afternoon && !starts_with_any_case(text, item.dotted ? "a.m." : "am")) return false;
      text.remove_prefix(item.dotted ? 4 : 2);
      return true;
    }
    case date_part::epoch:
      found.has_epoch = true;
      return take_number(text, 11, found.epoch);
    default:
      return false;
  }
}

// 1st, 22ND
bool take_ordinal(std::string_view& text, const date_item& item) {
  if (item.suffix == ordinal::none) return true;
  for (const std::string_view letters : {"st", "nd", "rd", "th"}) {
    if (!starts_with_any_case(text, letters)) continue;
    text.remove_prefix(2);
    return true;
  }
  return false;
}

bool find_day(const found_parts& found, std::int64_t& day) {
  if (found.julian_day) {
    day = *found.julian_day - 2'440'588;
    return true;
  }
  if (found.day_of_year > 0) {
    day = days_from_civil(found.year, 1, 1) + found.day_of_year - 1;
    return found.day_of_year <= (is_leap_year(found.year) ? 366 : 365);
  }
  if (found.month < 1 || found.month > 12 || found.day < 1) return false;
  const auto month = static_cast<int>(found.month);
  if (found.day > days_in_month(found.year, month)) return false;
  day = days_from_civil(found.year, month, static_cast<int>(found.day));
  return true;
}

bool find_seconds(const found_parts& found, std::int64_t& seconds) {
  if (found.second_of_day) {
    seconds = *found.second_of_day;
    return seconds < 86'400;
  }
  auto hour = found.hour;
  if (found.twelve) {
    if (hour < 1 || hour > 12) return false;
    hour = hour % 12 + (found.afternoon ? 12 : 0);
  }
  seconds = (hour * 60 + found.minute) * 60 + found.second;
  return hour < 24 && found.minute < 60 && found.second < 60;
}

}  // namespace

bool parse_date(std::string_view text, const date_format& format, std::int64_t& local) {
  found_parts found;
  for (const auto& item : format)
    if (!take_item(text, item, found) || !take_ordinal(text, item)) return false;
  std::int64_t day = 0, seconds = 0;
  if (!text.empty() || !find_day(found, day) || !find_seconds(found, seconds)) return false;
  local = (found.has_epoch ? found.epoch : day * 86'400 + seconds) * microseconds_per_second + found.microseconds;
  return true;
}

}  // namespace sluice::expression
