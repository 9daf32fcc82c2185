// Dates and times by a format: writing.
#include "engine/expression/functions/date_format.hpp"
#include "engine/values/calendar.hpp"

#include <array>
#include <cstdlib>

namespace sluice::expression {

namespace {

struct local_time {
  std::int64_t day;
  std::int64_t time;  // microseconds
  civil_date date;
  const zone_at& zone;
};

void append_digits(std::string& out, std::int64_t value, std::size_t width) {
  char digits[24];
  char* begin = digits + sizeof digits;
  for (auto rest = std::abs(value); rest != 0 || begin == digits + sizeof digits; rest /= 10)
    *--begin = static_cast<char>('0' + rest % 10);
  const auto length = static_cast<std::size_t>(digits + sizeof digits - begin);
  if (value < 0) out += '-';
  if (length < width) out.append(width - length, '0');
  out.append(begin, length);
}

void append_ordinal(std::string& out, const date_item& item) {
  if (item.suffix == ordinal::none) return;
  const auto last = out.back();
  const bool teen = out.size() > 1 && out[out.size() - 2] == '1';
  const std::string_view letters = teen || last == '0' || last > '3' ? "th"
                                   : last == '1'                     ? "st"
                                   : last == '2'                     ? "nd"
                                                                     : "rd";
  for (const char c : letters) out += item.suffix == ordinal::upper ? static_cast<char>(c - 32) : c;
}

void append_name(std::string& out, std::string_view name, const date_item& item, std::size_t width) {
  const auto begin = out.size();
  for (const char c : name) {
    if (item.letters == letter_case::upper && c >= 'a' && c <= 'z')
      out += static_cast<char>(c - 32);
    else if (item.letters == letter_case::lower && c >= 'A' && c <= 'Z')
      out += static_cast<char>(c + 32);
    else
      out += c;
  }
  if (item.padded && out.size() - begin < width) out.append(width - (out.size() - begin), ' ');
}

// AM, or A.M.
void append_mark(std::string& out, std::string_view plain, std::string_view dotted, const date_item& item) {
  append_name(out, item.dotted ? dotted : plain, item, 0);
}

void append_zone_hours(std::string& out, std::int64_t offset, std::size_t width) {
  out += offset < 0 ? '-' : '+';
  append_digits(out, std::abs(offset) / 3600, width);
}

// Years before 1 are counted backwards: 1 BC is 1.
std::int64_t shown_year(std::int64_t year) { return year > 0 ? year : 1 - year; }

constexpr std::array<std::int64_t, 5> powers = {1, 10, 100, 1000, 10'000};

std::int64_t last_digits(std::int64_t year, int digits) {
  return digits < 4 ? shown_year(year) % powers[static_cast<std::size_t>(digits)] : shown_year(year);
}

// The day of the year that begins with its first ISO week.
std::int64_t iso_day_of_year(std::int64_t day) { return (iso_week(day) - 1) * 7 + iso_weekday(day); }

constexpr std::array<std::string_view, 12> roman = {"I",   "II",   "III", "IV", "V",  "VI",
                                                    "VII", "VIII", "IX",  "X",  "XI", "XII"};

// The numbers, which may be ordinals.
bool append_number(std::string& out, const date_item& item, const local_time& at) {
  const auto number = [&](std::int64_t value, int width) {
    append_digits(out, value, item.padded ? static_cast<std::size_t>(width) : 1);
    append_ordinal(out, item);
    return true;
  };
  const auto seconds = at.time / microseconds_per_second;
  const auto hour = seconds / 3600;
  const auto day_of_year = [&] { return at.day - days_from_civil(at.date.year, 1, 1) + 1; };
  switch (item.part) {
    case date_part::year:
    case date_part::year2:
      return number(last_digits(at.date.year, item.digits), item.digits);
    case date_part::iso_year:
      return number(last_digits(iso_year(at.day), item.digits), item.digits);
    case date_part::year_comma:
      append_digits(out, shown_year(at.date.year) / 1000, 1);
      out += ',';
      append_digits(out, shown_year(at.date.year) % 1000, 3);
      append_ordinal(out, item);
      return true;
    case date_part::century:
      return number(at.date.year > 0 ? (at.date.year - 1) / 100 + 1 : at.date.year / 100 - 1, 2);
    case date_part::quarter:
      return number((at.date.month + 2) / 3, 1);
    case date_part::month:
      return number(at.date.month, 2);
    case date_part::week_of_month:
      return number((at.date.day - 1) / 7 + 1, 1);
    case date_part::week_of_year:
      return number((day_of_year() - 1) / 7 + 1, 2);
    case date_part::iso_week:
      return number(iso_week(at.day), 2);
    case date_part::julian_day:
      return number(at.day + 2'440'588, 1);
    case date_part::day:
      return number(at.date.day, 2);
    case date_part::day_of_year:
      return number(day_of_year(), 3);
    case date_part::iso_day_of_year:
      return number(iso_day_of_year(at.day), 3);
    case date_part::weekday:
      return number(iso_weekday(at.day), 1);
    case date_part::weekday_sunday:
      return number(iso_weekday(at.day) % 7 + 1, 1);
    case date_part::hour24:
      return number(hour, 2);
    case date_part::hour12:
      return number((hour + 11) % 12 + 1, 2);
    case date_part::minute:
      return number(seconds / 60 % 60, 2);
    case date_part::second:
      return number(seconds % 60, 2);
    case date_part::second_of_day:
      return number(seconds, 1);
    case date_part::fraction: {
      auto value = at.time % microseconds_per_second;
      for (int digits = item.digits; digits < 6; ++digits) value /= 10;
      append_digits(out, value, static_cast<std::size_t>(item.digits));
      append_ordinal(out, item);
      return true;
    }
    case date_part::epoch:
      return number(at.day * 86'400 + seconds, 1);
    default:
      return false;
  }
}

void append_item(std::string& out, const date_item& item, const local_time& at) {
  if (item.part == date_part::literal) {
    out += item.literal;
    return;
  }
  if (append_number(out, item, at)) return;
  const auto month = static_cast<std::size_t>(at.date.month - 1);
  const auto weekday = static_cast<std::size_t>(iso_weekday(at.day) - 1);
  switch (item.part) {
    case date_part::month_name:
      return append_name(out, month_name(month), item, 9);
    case date_part::month_short:
      return append_name(out, month_name(month).substr(0, 3), item, 0);
    case date_part::month_roman:
      return append_name(out, roman[month], item, 4);
    case date_part::weekday_name:
      return append_name(out, weekday_name(weekday), item, 9);
    case date_part::weekday_short:
      return append_name(out, weekday_name(weekday).substr(0, 3), item, 0);
    case date_part::era:
      return at.date.year > 0 ? append_mark(out, "AD", "A.D.", item) : append_mark(out, "BC", "B.C.", item);
    case date_part::meridiem:
      return at.time < microseconds_per_day / 2 ? append_mark(out, "AM", "A.M.", item)
                                                : append_mark(out, "PM", "P.M.", item);
    case date_part::zone_name:
      return append_name(out, at.zone.name, item, 0);
    case date_part::zone_hours:
      return append_zone_hours(out, at.zone.offset, 2);
    case date_part::zone_minutes:
      return append_digits(out, std::abs(at.zone.offset) % 3600 / 60, 2);
    case date_part::zone_offset:
      append_zone_hours(out, at.zone.offset, item.padded ? 2 : 1);
      if (const auto minutes = std::abs(at.zone.offset) % 3600 / 60; minutes != 0) {
        out += ':';
        append_digits(out, minutes, 2);
      }
      return;
    default:
      return;
  }
}

}  // namespace

void append_date(std::string& out, const date_format& format, std::int64_t local, const zone_at& zone) {
  const auto day = floor_div(local, microseconds_per_day);
  const local_time at{day, local - day * microseconds_per_day, civil_from_days(day), zone};
  for (const auto& item : format) append_item(out, item, at);
}

}  // namespace sluice::expression
