#pragma once

#include <cstdint>

namespace sluice {

/// A day of the proleptic Gregorian calendar; year 0 is 1 BC.
struct civil_date {
  std::int64_t year = 1970;
  int month = 1;
  int day = 1;
};

inline constexpr std::int64_t microseconds_per_second = 1'000'000;
inline constexpr std::int64_t microseconds_per_day = 86'400 * microseconds_per_second;

/// Counts days from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
constexpr std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<std::uint64_t>(year - era * 400);
  const auto day_of_year = static_cast<std::uint64_t>((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1);
  const auto day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int64_t>(day_of_era) - 719468;
}

/// Turns days since 1970-01-01 back into a date.
constexpr civil_date civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<std::uint64_t>(days - era * 146097);
  const auto year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const auto day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const auto shifted = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted) + (shifted < 10 ? 3 : -9);
  return {.year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2),
          .month = month,
          .day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

constexpr bool is_leap_year(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr int days_in_month(std::int64_t year, int month) {
  constexpr int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : lengths[month - 1];
}

/// Divides towards minus infinity, as days before 1970 need it.
constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by != 0 && (value < 0) != (by < 0));
}

/// Gives the day of the week, Monday being 1 and Sunday 7: 1970-01-01 was a Thursday.
constexpr int iso_weekday(std::int64_t day) { return static_cast<int>(((day + 3) % 7 + 7) % 7) + 1; }

/// Gives the Thursday of a day's week: it decides the year to which the week belongs.
constexpr std::int64_t iso_thursday(std::int64_t day) { return day - iso_weekday(day) + 4; }

constexpr std::int64_t iso_year(std::int64_t day) { return civil_from_days(iso_thursday(day)).year; }

/// Gives the number of a day's week in its ISO year, from 1.
constexpr std::int64_t iso_week(std::int64_t day) {
  return (iso_thursday(day) - days_from_civil(iso_year(day), 1, 1)) / 7 + 1;
}

}  // namespace sluice
