// What formats of dates and times hold: PostgreSQL's patterns and those of strftime.
#include "engine/expression/functions/date_format.hpp"

#include <algorithm>
#include <array>

namespace sluice::expression {

namespace {

struct named_part {
  std::string_view name;
  date_part part;
  letter_case letters = letter_case::title;
  int digits = 0;
  bool dotted = false;
};

using part = date_part;
constexpr auto upper = letter_case::upper, lower = letter_case::lower, title = letter_case::title;

// Each is known in capitals and in small letters, which differ only where they say how names are written.
constexpr named_part any_case_parts[] = {{"Y,YYY", part::year_comma},
                                         {"YYYY", part::year, title, 4},
                                         {"YYY", part::year, title, 3},
                                         {"YY", part::year2, title, 2},
                                         {"Y", part::year, title, 1},
                                         {"IYYY", part::iso_year, title, 4},
                                         {"IYY", part::iso_year, title, 3},
                                         {"IY", part::iso_year, title, 2},
                                         {"I", part::iso_year, title, 1},
                                         {"CC", part::century},
                                         {"Q", part::quarter},
                                         {"MM", part::month},
                                         {"WW", part::week_of_year},
                                         {"W", part::week_of_month},
                                         {"IW", part::iso_week},
                                         {"J", part::julian_day},
                                         {"DDD", part::day_of_year},
                                         {"IDDD", part::iso_day_of_year},
                                         {"DD", part::day},
                                         {"D", part::weekday_sunday},
                                         {"ID", part::weekday},
                                         {"HH24", part::hour24},
                                         {"HH12", part::hour12},
                                         {"HH", part::hour12},
                                         {"MI", part::minute},
                                         {"SSSSS", part::second_of_day},
                                         {"SSSS", part::second_of_day},
                                         {"SS", part::second},
                                         {"FF1", part::fraction, title, 1},
                                         {"FF2", part::fraction, title, 2},
                                         {"MS", part::fraction, title, 3},
                                         {"FF3", part::fraction, title, 3},
                                         {"FF4", part::fraction, title, 4},
                                         {"FF5", part::fraction, title, 5},
                                         {"US", part::fraction, title, 6},
                                         {"FF6", part::fraction, title, 6},
                                         {"OF", part::zone_offset},
                                         {"TZH", part::zone_hours},
                                         {"TZM", part::zone_minutes},
                                         {"FX", part::literal}};

constexpr named_part exact_parts[] = {{"MONTH", part::month_name, upper},
                                      {"Month", part::month_name},
                                      {"month", part::month_name, lower},
                                      {"MON", part::month_short, upper},
                                      {"Mon", part::month_short},
                                      {"mon", part::month_short, lower},
                                      {"RM", part::month_roman, upper},
                                      {"rm", part::month_roman, lower},
                                      {"DAY", part::weekday_name, upper},
                                      {"Day", part::weekday_name},
                                      {"day", part::weekday_name, lower},
                                      {"DY", part::weekday_short, upper},
                                      {"Dy", part::weekday_short},
                                      {"dy", part::weekday_short, lower},
                                      {"AD", part::era, upper},
                                      {"BC", part::era, upper},
                                      {"ad", part::era, lower},
                                      {"bc", part::era, lower},
                                      {"A.D.", part::era, upper, 0, true},
                                      {"B.C.", part::era, upper, 0, true},
                                      {"a.d.", part::era, lower, 0, true},
                                      {"b.c.", part::era, lower, 0, true},
                                      {"AM", part::meridiem, upper},
                                      {"PM", part::meridiem, upper},
                                      {"am", part::meridiem, lower},
                                      {"pm", part::meridiem, lower},
                                      {"A.M.", part::meridiem, upper, 0, true},
                                      {"P.M.", part::meridiem, upper, 0, true},
                                      {"a.m.", part::meridiem, lower, 0, true},
                                      {"p.m.", part::meridiem, lower, 0, true},
                                      {"TZ", part::zone_name, upper},
                                      {"tz", part::zone_name, lower}};

// All of PostgreSQL's, longest first where one begins with another.
struct spelled_part {
  std::string name;
  const named_part* meaning;
};
const std::vector<spelled_part>& postgres_parts() {
  static const std::vector<spelled_part> all = [] {
    std::vector<spelled_part> made;
    for (const auto& one : exact_parts) made.push_back({std::string(one.name), &one});
    for (const auto& one : any_case_parts) {
      made.push_back({std::string(one.name), &one});
      auto small = made.back().name;
      for (auto& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      made.push_back({std::move(small), &one});
    }
    std::stable_sort(made.begin(), made.end(),
                     [](const auto& a, const auto& b) { return a.name.size() > b.name.size(); });
    return made;
  }();
  return all;
}

struct percent_part {
  char letter;
  date_part part;
  letter_case letters = letter_case::title;
  int digits = 0;
};

constexpr percent_part percent_parts[] = {
    {'Y', part::year, title, 4},
    {'y', part::year2, title, 2},
    {'m', part::month},
    {'d', part::day},
    {'H', part::hour24},
    {'I', part::hour12},
    {'M', part::minute},
    {'S', part::second},
    {'f', part::fraction, title, 6},
    {'p', part::meridiem, upper},
    {'B', part::month_name},
    {'b', part::month_short},
    {'A', part::weekday_name},
    {'a', part::weekday_short},
    {'j', part::day_of_year},
    {'u', part::weekday},
    {'G', part::iso_year, title, 4},
    {'V', part::iso_week},
    {'s', part::epoch},
};

void add_literal(date_format& items, std::string_view text) {
  if (!items.empty() && items.back().part == part::literal)
    items.back().literal += text;
  else
    items.push_back({.part = part::literal, .literal = std::string(text)});
}

const char* const usual_patterns =
    "write 'YYYY-MM-DD HH24:MI:SS' or '%Y-%m-%d %H:%M:%S'; put other letters in double quotes";

format_fault unknown(std::string_view what) {
  return {"contains " + std::string(what) + ", which has no meaning here", usual_patterns};
}

bool read_percent(std::string_view format, date_format& items, format_fault& fault) {
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
      const auto* meaning = letter == 'F' ? "%Y-%m-%d" : letter == 'T' ? "%H:%M:%S" : "%H:%M";
      if (!read_percent(meaning, items, fault)) return false;
    } else {
      const auto* found = std::find_if(std::begin(percent_parts), std::end(percent_parts),
                                       [&](const auto& one) { return one.letter == letter; });
      if (found == std::end(percent_parts)) {
        fault = unknown(letter == '\0' ? "%" : std::string("%") + letter);
        return false;
      }
      // strftime's names are not filled up with blanks.
      const bool name = found->part == part::month_name || found->part == part::weekday_name;
      items.push_back(
          {.part = found->part, .letters = found->letters, .digits = found->digits, .padded = padded && !name});
    }
  }
  return true;
}

// "text": a backslash keeps the character behind it.
void take_quoted(std::string_view& format, date_format& items) {
  format.remove_prefix(1);
  while (!format.empty() && format.front() != '"') {
    if (format.front() == '\\' && format.size() > 1) format.remove_prefix(1);
    add_literal(items, format.substr(0, 1));
    format.remove_prefix(1);
  }
  if (!format.empty()) format.remove_prefix(1);
}

ordinal take_suffix(std::string_view& format) {
  const auto found = format.starts_with("TH")   ? ordinal::upper
                     : format.starts_with("th") ? ordinal::lower
                                                : ordinal::none;
  if (found != ordinal::none) format.remove_prefix(2);
  return found;
}

class postgres_reader {
 public:
  postgres_reader(std::string_view format, date_format& items, format_fault& fault)
      : format_(format), items_(items), fault_(fault) {}

  bool read() {
    while (!format_.empty()) {
      if (format_.starts_with("FM") || format_.starts_with("fm")) {
        padded_ = false;
        format_.remove_prefix(2);
      } else if (format_.front() == '"') {
        take_quoted(format_, items_);
      } else if (format_.starts_with("\\\"")) {
        add_literal(items_, "\"");
        format_.remove_prefix(2);
      } else if (format_.starts_with("TM") || format_.starts_with("tm")) {
        fault_ = {"contains TM (names in the server's language), which is not supported",
                  "leave it out: names are in English"};
        return false;
      } else if (!take_part() && !take_other()) {
        return false;
      }
    }
    return true;
  }

 private:
  bool take_part() {
    const auto& all = postgres_parts();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return format_.starts_with(one.name); });
    if (found == all.end()) return false;
    format_.remove_prefix(found->name.size());
    after_ordinal_ = false;
    if (found->meaning->part == part::literal) return true;  // FX: reading is exact anyway
    const auto suffix = take_suffix(format_);
    after_ordinal_ = suffix != ordinal::none;
    items_.push_back({.part = found->meaning->part,
                      .letters = found->meaning->letters,
                      .digits = found->meaning->digits,
                      .dotted = found->meaning->dotted,
                      .suffix = suffix,
                      .padded = padded_});
    padded_ = true;
    return true;
  }

  // Signs stand for themselves. Of letters only T and Z do, as in 2024-05-01T12:00:00Z.
  bool take_other() {
    const char c = format_.front();
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter && c != 'T' && c != 'Z') {
      fault_ = unknown(format_.substr(0, 1));
      if (after_ordinal_)
        fault_.hint = "TH turns the part before it into an ordinal; for a letter T write \"T\" in double quotes";
      return false;
    }
    after_ordinal_ = false;
    add_literal(items_, format_.substr(0, 1));
    format_.remove_prefix(1);
    return true;
  }

  std::string_view format_;
  date_format& items_;
  format_fault& fault_;
  bool padded_ = true, after_ordinal_ = false;
};

}  // namespace

std::optional<date_format> read_date_format(std::string_view format, format_use use, format_fault& fault) {
  date_format items;
  const bool percent = format.find('%') != std::string_view::npos;
  const bool good = percent ? read_percent(format, items, fault) : postgres_reader(format, items, fault).read();
  if (!good || (use == format_use::reading && !check_readable(items, percent, fault))) return std::nullopt;
  return items;
}

bool needs_zone(const date_format& format) {
  return std::any_of(format.begin(), format.end(),
                     [](const auto& item) { return item.part >= part::zone_name && item.part <= part::zone_minutes; });
}

std::string_view month_name(std::size_t number) {
  static constexpr std::array<std::string_view, 12> names = {"January",   "February", "March",    "April",
                                                             "May",       "June",     "July",     "August",
                                                             "September", "October",  "November", "December"};
  return names[number];
}

std::string_view weekday_name(std::size_t number) {
  static constexpr std::array<std::string_view, 7> names = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                            "Friday", "Saturday", "Sunday"};
  return names[number];
}

}  // namespace sluice::expression
