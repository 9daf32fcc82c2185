#include "engine/expression/functions/date_format.hpp"

#include "engine/values/calendar.hpp"

#include <algorithm>
#include <array>

namespace sluice::expression {

namespace {

constexpr std::array<std::string_view, 12> months = {"January",   "February", "March",    "April",
                                                     "May",       "June",     "July",     "August",
                                                     "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> weekdays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                      "Friday", "Saturday", "Sunday"};

struct named_part {
  std::string_view name;
  date_part part;
  letter_case letters = letter_case::title;
};

// PostgreSQL's, longest first where one begins with another.
constexpr named_part postgres_parts[] = {
    {"HH24", date_part::hour24},
    {"HH12", date_part::hour12},
    {"HH", date_part::hour12},
    {"MI", date_part::minute},
    {"SS", date_part::second},
    {"MS", date_part::millisecond},
    {"US", date_part::microsecond},
    {"YYYY", date_part::year},
    {"YY", date_part::year2},
    {"IYYY", date_part::iso_year},
    {"IW", date_part::iso_week},
    {"MONTH", date_part::month_name, letter_case::upper},
    {"Month", date_part::month_name},
    {"month", date_part::month_name, letter_case::lower},
    {"MON", date_part::month_short, letter_case::upper},
    {"Mon", date_part::month_short},
    {"mon", date_part::month_short, letter_case::lower},
    {"MM", date_part::month},
    {"DDD", date_part::day_of_year},
    {"DD", date_part::day},
    {"DAY", date_part::weekday_name, letter_case::upper},
    {"Day", date_part::weekday_name},
    {"day", date_part::weekday_name, letter_case::lower},
    {"DY", date_part::weekday_short, letter_case::upper},
    {"Dy", date_part::weekday_short},
    {"dy", date_part::weekday_short, letter_case::lower},
    {"ID", date_part::weekday},
    {"Q", date_part::quarter},
    {"AM", date_part::meridiem, letter_case::upper},
    {"PM", date_part::meridiem, letter_case::upper},
    {"am", date_part::meridiem, letter_case::lower},
    {"pm", date_part::meridiem, letter_case::lower},
    {"yyyy", date_part::year},
    {"mm", date_part::month},
    {"dd", date_part::day},
    {"hh24", date_part::hour24},
    {"mi", date_part::minute},
    {"ss", date_part::second},
};

struct percent_part {
  char letter;
  date_part part;
  letter_case letters = letter_case::title;
};

constexpr percent_part percent_parts[] = {
    {'Y', date_part::year},         {'y', date_part::year2},
    {'m', date_part::month},        {'d', date_part::day},
    {'H', date_part::hour24},       {'I', date_part::hour12},
    {'M', date_part::minute},       {'S', date_part::second},
    {'f', date_part::fraction},     {'p', date_part::meridiem, letter_case::upper},
    {'B', date_part::month_name},   {'b', date_part::month_short},
    {'A', date_part::weekday_name}, {'a', date_part::weekday_short},
    {'j', date_part::day_of_year},  {'u', date_part::weekday},
    {'G', date_part::iso_year},     {'V', date_part::iso_week},
    {'s', date_part::epoch},
};

void add_literal(std::vector<date_item>& items, std::string_view text) {
  if (!items.empty() && items.back().part == date_part::literal)
    items.back().literal += text;
  else
    items.push_back({.part = date_part::literal, .literal = std::string(text)});
}

bool read_percent(std::string_view format, std::vector<date_item>& items, std::string& unknown) {
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      add_literal(items, format.substr(at, 1));
      continue;
    }
    const bool padded = format.substr(at + 1, 1) != "-";
    if (!padded) ++at;
    const auto letter = at + 1 < format.size() ? format[++at] : '\0';
    if (letter == '%') {
      add_literal(items, "%");
    } else if (letter == 'F' || letter == 'T' || letter == 'R') {
      if (!read_percent(letter == 'F' ? "%Y-%m-%d" : letter == 'T' ? "%H:%M:%S" : "%H:%M", items, unknown))
        return false;
    } else {
      const auto* found = std::find_if(std::begin(percent_parts), std::end(percent_parts),
                                       [&](const auto& part) { return part.letter == letter; });
      if (found == std::end(percent_parts)) return unknown = std::string("%") + letter, false;
      // strftime's names are not filled up with blanks.
      const bool name = found->part == date_part::month_name || found->part == date_part::weekday_name;
      items.push_back({.part = found->part, .letters = found->letters, .padded = padded && !name});
    }
  }
  return true;
}

bool read_postgres(std::string_view format, std::vector<date_item>& items, std::string& unknown) {
  bool padded = true;
  while (!format.empty()) {
    if (format.starts_with("FM")) {
      padded = false;
      format.remove_prefix(2);
      continue;
    }
    if (format.front() == '"') {
      const auto end = format.find('"', 1);
      add_literal(items, format.substr(1, end == std::string_view::npos ? end : end - 1));
      format.remove_prefix(end == std::string_view::npos ? format.size() : end + 1);
      continue;
    }
    const auto* found = std::find_if(std::begin(postgres_parts), std::end(postgres_parts),
                                     [&](const auto& part) { return format.starts_with(part.name); });
    if (found != std::end(postgres_parts)) {
      items.push_back({.part = found->part, .letters = found->letters, .padded = padded});
      padded = true;
      format.remove_prefix(found->name.size());
      continue;
    }
    const char c = format.front();
    if (((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) && c != 'T' && c != 'Z')
      return unknown = format.substr(0, 1), false;
    add_literal(items, format.substr(0, 1));
    format.remove_prefix(1);
  }
  return true;
}

// --- writing

struct local_time {
  std::int64_t day;
  std::int64_t time;  // microseconds
  civil_date date;
};

void append_number(std::string& out, std::int64_t value, std::size_t width) {
  auto text = std::to_string(value);
  if (text.size() < width) text.insert(0, width - text.size(), '0');
  out += text;
}

void append_name(std::string& out, std::string_view name, const date_item& item, std::size_t width) {
  const auto begin = out.size();
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = c >= 'A' && c <= 'Z';
    if (item.letters == letter_case::upper && !upper)
      out += static_cast<char>(c - 32);
    else if (item.letters == letter_case::lower && upper)
      out += static_cast<char>(c + 32);
    else
      out += c;
  }
  if (item.padded && out.size() - begin < width) out.append(width - (out.size() - begin), ' ');
}

void append_item(std::string& out, const date_item& item, const local_time& at) {
  const auto number = [&](std::int64_t value, std::size_t width) {
    append_number(out, value, item.padded ? width : 1);
  };
  const auto seconds = at.time / microseconds_per_second;
  const auto hour = seconds / 3600;
  switch (item.part) {
    case date_part::literal:
      out += item.literal;
      return;
    case date_part::year:
      return number(at.date.year, 4);
    case date_part::year2:
      return number((at.date.year % 100 + 100) % 100, 2);
    case date_part::month:
      return number(at.date.month, 2);
    case date_part::month_name:
      return append_name(out, months[static_cast<std::size_t>(at.date.month - 1)], item, 9);
    case date_part::month_short:
      return append_name(out, months[static_cast<std::size_t>(at.date.month - 1)].substr(0, 3), item, 3);
    case date_part::day:
      return number(at.date.day, 2);
    case date_part::day_of_year:
      return number(at.day - days_from_civil(at.date.year, 1, 1) + 1, 3);
    case date_part::weekday:
      return number(iso_weekday(at.day), 1);
    case date_part::weekday_name:
      return append_name(out, weekdays[static_cast<std::size_t>(iso_weekday(at.day) - 1)], item, 9);
    case date_part::weekday_short:
      return append_name(out, weekdays[static_cast<std::size_t>(iso_weekday(at.day) - 1)].substr(0, 3), item, 3);
    case date_part::quarter:
      return number((at.date.month + 2) / 3, 1);
    case date_part::iso_year:
      return number(iso_year(at.day), 4);
    case date_part::iso_week:
      return number(iso_week(at.day), 2);
    case date_part::hour24:
      return number(hour, 2);
    case date_part::hour12:
      return number(hour % 12 == 0 ? 12 : hour % 12, 2);
    case date_part::minute:
      return number(seconds / 60 % 60, 2);
    case date_part::second:
      return number(seconds % 60, 2);
    case date_part::millisecond:
      return number(at.time % microseconds_per_second / 1000, 3);
    case date_part::microsecond:
    case date_part::fraction:
      return number(at.time % microseconds_per_second, 6);
    case date_part::meridiem:
      out += item.letters == letter_case::lower ? (hour < 12 ? "am" : "pm") : (hour < 12 ? "AM" : "PM");
      return;
    case date_part::epoch:
      return number(at.day * 86'400 + seconds, 1);
  }
}

// --- reading

struct found_parts {
  std::int64_t year = 1, month = 1, day = 1, day_of_year = 0, hour = 0, minute = 0, second = 0, microseconds = 0,
               epoch = 0;
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

template <std::size_t Count>
bool take_name(std::string_view& text, const std::array<std::string_view, Count>& names, bool brief,
               std::int64_t& out) {
  for (std::size_t i = 0; i < Count; ++i) {
    const auto name = brief ? names[i].substr(0, 3) : names[i];
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
      return take_name(text, months, false, found.month);
    case date_part::month_short:
      return take_name(text, months, true, found.month);
    case date_part::day:
      return take_number(text, 2, found.day);
    case date_part::day_of_year:
      return take_number(text, 3, found.day_of_year);
    case date_part::weekday:
      return take_number(text, 1, ignored);
    case date_part::weekday_name:
      return take_name(text, weekdays, false, ignored);
    case date_part::weekday_short:
      return take_name(text, weekdays, true, ignored);
    case date_part::hour24:
      return take_number(text, 2, found.hour);
    case date_part::hour12:
      found.twelve = true;
      return take_number(text, 2, found.hour) && found.hour >= 1 && found.hour <= 12;
    case date_part::minute:
      return take_number(text, 2, found.minute);
    case date_part::second:
      return take_number(text, 2, found.second);
    case date_part::millisecond:
      return take_fraction(text, 3, found.microseconds);
    case date_part::microsecond:
    case date_part::fraction:
      return take_fraction(text, 6, found.microseconds);
    case date_part::meridiem:
      if (!starts_with_any_case(text, "am") && !starts_with_any_case(text, "pm")) return false;
      found.afternoon = text.front() == 'p' || text.front() == 'P';
      text.remove_prefix(2);
      return true;
    case date_part::epoch:
      found.has_epoch = true;
      return take_number(text, 11, found.epoch);
    default:
      return false;
  }
}

}  // namespace

std::optional<std::vector<date_item>> read_date_format(std::string_view format, std::string& unknown) {
  std::vector<date_item> items;
  const bool good = format.find('%') != std::string_view::npos ? read_percent(format, items, unknown)
                                                               : read_postgres(format, items, unknown);
  return good ? std::optional(std::move(items)) : std::nullopt;
}

void append_date(std::string& out, const std::vector<date_item>& format, std::int64_t local) {
  const auto day = floor_div(local, microseconds_per_day);
  const local_time at{day, local - day * microseconds_per_day, civil_from_days(day)};
  for (const auto& item : format) append_item(out, item, at);
}

bool parse_date(std::string_view text, const std::vector<date_item>& format, std::int64_t& local) {
  found_parts found;
  for (const auto& item : format)
    if (!take_item(text, item, found)) return false;
  if (!text.empty()) return false;
  if (found.twelve) found.hour = found.hour % 12 + (found.afternoon ? 12 : 0);
  const bool time = found.hour < 24 && found.minute < 60 && found.second < 60;
  const bool date =
      found.year >= 1 && found.month >= 1 && found.month <= 12 && found.day >= 1 &&
      found.day <= days_in_month(found.year, static_cast<int>(std::clamp<std::int64_t>(found.month, 1, 12)));
  if (!time || !date) return false;
  auto day = days_from_civil(found.year, static_cast<int>(found.month), static_cast<int>(found.day));
  if (found.day_of_year > 0) {
    if (found.day_of_year > (is_leap_year(found.year) ? 366 : 365)) return false;
    day = days_from_civil(found.year, 1, 1) + found.day_of_year - 1;
  }
  const auto seconds =
      found.has_epoch ? found.epoch : day * 86'400 + (found.hour * 60 + found.minute) * 60 + found.second;
  local = seconds * microseconds_per_second + found.microseconds;
  return true;
}

}  // namespace sluice::expression
