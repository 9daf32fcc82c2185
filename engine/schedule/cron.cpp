#include "engine/schedule/cron.hpp"

#include "engine/values/calendar.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

namespace sluice::schedule {

namespace {

constexpr std::int64_t minute = 60 * microseconds_per_second;
constexpr std::int64_t years_ahead = 50;

struct field {
  const char* name;
  int least;
  int most;
  std::string_view names;  ///< three letters each, from `least` on
};

constexpr std::array<field, 5> fields = {{{"minute", 0, 59, ""},
                                          {"hour", 0, 23, ""},
                                          {"day of month", 1, 31, ""},
                                          {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
                                          {"day of week", 0, 7, "SUNMONTUEWEDTHUFRISAT"}}};

error invalid(std::size_t offset, const std::string& what) {
  auto made = user_error("invalid_cron", what,
                         "five fields: minute, hour, day of month, month, day of week; for example \"15 5 * * *\"");
  made.offset = offset;
  return made;
}

/// Reads one field into a set of bits.
class field_reader {
 public:
  field_reader(std::string_view text, std::size_t offset, const field& of) : text_(text), offset_(offset), of_(of) {}

  result<std::uint64_t> read() {
    std::uint64_t bits = 0;
    std::size_t begin = 0;
    while (true) {
      const auto comma = text_.find(',', begin);
      SLUICE_ASSIGN(const auto part, read_part(text_.substr(begin, comma - begin), begin));
      bits |= part;
      if (comma == std::string_view::npos) return bits;
      begin = comma + 1;
    }
  }

 private:
  result<std::uint64_t> read_part(std::string_view part, std::size_t begin) {
    const auto slash = part.find('/');
    const auto range = part.substr(0, slash);
    int step = 1;
    if (slash != std::string_view::npos) {
      const auto digits = part.substr(slash + 1);
      const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
      if (problem != std::errc() || stop != digits.data() + digits.size() || step < 1)
        return fault(begin, "a step must be a number above 0");
    }
    int first = of_.least;
    int last = of_.most;
    if (range != "*") {
      const auto dash = range.find('-');
      SLUICE_ASSIGN(first, value(range.substr(0, dash), begin));
      // A single value with a step goes on to the end: 5/15.
      last = slash == std::string_view::npos ? first : of_.most;
      if (dash != std::string_view::npos) {
        SLUICE_ASSIGN(last, value(range.substr(dash + 1), begin));
        if (last < first) return fault(begin, "the range ends before it begins");
      }
    }
    std::uint64_t bits = 0;
    for (int at = first; at <= last; at += step) bits |= std::uint64_t{1} << static_cast<unsigned>(at);
    return bits;
  }

  result<int> value(std::string_view text, std::size_t begin) const {
    if (!of_.names.empty() && text.size() == 3) {
      std::string upper;
      for (const unsigned char c : text) upper += static_cast<char>(std::toupper(c));
      const auto found = of_.names.find(upper);
      if (found != std::string_view::npos && found % 3 == 0) return of_.least + static_cast<int>(found / 3);
    }
    int number = 0;
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || problem != std::errc() || stop != text.data() + text.size() || number < of_.least ||
        number > of_.most)
      return fault(begin, "expected " + std::to_string(of_.least) + " to " + std::to_string(of_.most) + ", found '" +
                              std::string(text) + "'");
    return number;
  }

  [[nodiscard]] error fault(std::size_t begin, const std::string& why) const {
    return invalid(offset_ + begin, std::string(of_.name) + ": " + why);
  }

  std::string_view text_;
  std::size_t offset_;
  const field& of_;
};

std::int64_t offset_near(std::int64_t local, std::int64_t shift, zone_clock& zone) {
  return zone.to_local(local + shift) - (local + shift);
}

}  // namespace

result<cron> cron::parse(std::string_view text) {
  std::vector<std::pair<std::string_view, std::size_t>> parts;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\t') {
      ++at;
      continue;
    }
    const auto end = std::min(text.find_first_of(" \t", at), text.size());
    parts.emplace_back(text.substr(at, end - at), at);
    at = end;
  }
  if (parts.size() != fields.size())
    return invalid(0, "a cron expression has five fields, found " + std::to_string(parts.size()));
  std::array<std::uint64_t, 5> bits = {};
  for (std::size_t at = 0; at < fields.size(); ++at) {
    SLUICE_ASSIGN(bits.at(at), field_reader(parts[at].first, parts[at].second, fields.at(at)).read());
  }
  cron made;
  made.minutes_ = bits[0];
  made.hours_ = bits[1];
  made.days_ = bits[2];
  made.months_ = bits[3];
  // Sunday is 7 here, as in ISO 8601.
  made.weekdays_ = (bits[4] | (bits[4] & 1U) << 7U) & 0xfeU;
  made.both_days_ = parts[2].first.starts_with('*') || parts[4].first.starts_with('*');
  made.by_clock_ = parts[0].first.starts_with('*') || parts[1].first.starts_with('*');
  // 29 February comes; 30 February does not, unless a day of the week does.
  if (made.both_days_) {
    bool comes = false;
    for (int month = 1; month <= 12; ++month)
      for (int day = 1; day <= days_in_month(2024, month); ++day)
        comes = comes || (made.months_[static_cast<std::size_t>(month)] && made.days_[static_cast<std::size_t>(day)]);
    if (!comes) return invalid(parts[2].second, "day of month: no month of the expression has such a day");
  }
  return made;
}

bool cron::matches_day(std::int64_t day) const {
  const auto date = civil_from_days(day);
  if (!months_[static_cast<std::size_t>(date.month)]) return false;
  const bool of_month = days_[static_cast<std::size_t>(date.day)];
  const bool of_week = weekdays_[static_cast<std::size_t>(iso_weekday(day))];
  return both_days_ ? of_month && of_week : of_month || of_week;
}

std::int64_t first_of_local(std::int64_t local, zone_clock& zone) {
  // A change moves the clock by a day at most (Samoa, 2011), and there is one within two days.
  while (true) {
    std::optional<std::int64_t> first;
    for (const auto shift : {-microseconds_per_day - 14 * 60 * minute, microseconds_per_day + 14 * 60 * minute}) {
      const auto utc = local - offset_near(local, shift, zone);
      if (zone.to_local(utc) == local && (!first || utc < *first)) first = utc;
    }
    if (first) return *first;
    local += minute;
  }
}

std::optional<std::int64_t> cron::next(std::int64_t after, zone_clock& zone) const {
  return by_clock_ ? next_by_clock(after, zone) : next_by_calendar(after, zone);
}

/// Looks at every minute that the zone's clocks show, repeated ones included.
std::optional<std::int64_t> cron::next_by_clock(std::int64_t after, zone_clock& zone) const {
  const auto end = after + years_ahead * 366 * microseconds_per_day;
  auto utc = (floor_div(after, minute) + 1) * minute;
  while (utc < end) {
    const auto local = zone.to_local(utc);
    const auto day = floor_div(local, microseconds_per_day);
    const auto minutes = (local - day * microseconds_per_day) / minute;
    const bool hour = matches_day(day) && hours_[static_cast<std::size_t>(minutes / 60)];
    if (hour && minutes_[static_cast<std::size_t>(minutes % 60)]) return utc;
    // Offsets, and so the hours and days of all zones, change by whole quarters of an hour.
    utc = hour ? utc + minute : (floor_div(utc, 15 * minute) + 1) * 15 * minute;
  }
  return std::nullopt;
}

/// Goes through local times; those in a gap come behind it, repeated ones the first time.
std::optional<std::int64_t> cron::next_by_calendar(std::int64_t after, zone_clock& zone) const {
  const auto first = floor_div(zone.to_local(after), microseconds_per_day) - 2;
  for (auto day = first; day < first + years_ahead * 366; ++day) {
    if (!matches_day(day)) continue;
    for (std::size_t hour = 0; hour < 24; ++hour) {
      if (!hours_[hour]) continue;
      for (std::size_t at = 0; at < 60; ++at) {
        if (!minutes_[at]) continue;
        const auto local = day * microseconds_per_day + static_cast<std::int64_t>(hour * 60 + at) * minute;
        const auto utc = first_of_local(local, zone);
        if (utc > after) return utc;
      }
    }
  }
  return std::nullopt;
}

}  // namespace sluice::schedule
