#include "engine/schedule/times.hpp"

#include "engine/schedule/cron.hpp"
#include "engine/values/calendar.hpp"

#include <charconv>
#include <cstdio>
#include <optional>

namespace sluice::schedule {

namespace {

constexpr std::int64_t second = microseconds_per_second;

/// Reads a fixed number of digits, and moves on.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return {};
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + count, value);
  if (problem != std::errc() || end != text.data() + count || text.front() == '-') return {};
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

struct read_time {
  std::int64_t local = 0;
  std::optional<std::int64_t> offset = {};
};

std::optional<read_time> read(std::string_view text) {
  read_time made;
  const auto year = digits(text, 4);
  if (!year || !take(text, '-')) return {};
  const auto month = digits(text, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return {};
  const auto day = digits(text, 2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return {};
  made.local = days_from_civil(*year, *month, *day) * microseconds_per_day;
  if (text.empty()) return made;
  if (!take(text, 'T') && !take(text, ' ')) return {};
  const auto hour = digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return {};
  const auto minute = digits(text, 2);
  if (!minute || *minute > 59) return {};
  made.local += (*hour * 3600 + *minute * 60) * second;
  if (take(text, ':')) {
    const auto seconds = digits(text, 2);
    if (!seconds || *seconds > 59) return {};
    made.local += *seconds * second;
  }
  if (text.empty()) return made;
  if (take(text, 'Z')) return made.offset = 0, text.empty() ? std::optional(made) : std::nullopt;
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return {};
  text.remove_prefix(1);
  const auto hours = digits(text, 2);
  (void)take(text, ':');
  const auto minutes = text.empty() ? std::optional(0) : digits(text, 2);
  if (!hours || !minutes || !text.empty()) return {};
  made.offset = (*hours * 3600 + *minutes * 60) * (west ? -second : second);
  return made;
}

}  // namespace

std::string time_text(std::int64_t time) {
  const auto day = floor_div(time, microseconds_per_day);
  const auto date = civil_from_days(day);
  const auto rest = time - day * microseconds_per_day;
  const auto seconds = rest / second;
  char text[64];
  auto length = std::snprintf(text, sizeof text, "%04lld-%02d-%02dT%02d:%02d:%02d", static_cast<long long>(date.year),
                              date.month, date.day, static_cast<int>(seconds / 3600),
                              static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  if (rest % second != 0)
    length += std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length), ".%06d",
                            static_cast<int>(rest % second));
  return std::string(text, static_cast<std::size_t>(length)) + "Z";
}

result<std::int64_t> parse_time(std::string_view text, const std::string& zone) {
  const auto made = read(text);
  if (!made)
    return user_error("invalid_time", "'" + std::string(text) + "' is not a time",
                      "write a day or a time: 2024-05-01, 2024-05-01T05:15 or 2024-05-01T05:15:00Z");
  if (made->offset) return made->local - *made->offset;
  SLUICE_ASSIGN(auto clock, zone_clock::find(zone));
  const auto whole = floor_div(made->local, 60 * second) * 60 * second;
  return first_of_local(whole, clock) + (made->local - whole);
}

}  // namespace sluice::schedule
