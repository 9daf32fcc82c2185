#pragma once

#include <arrow/type.h>

#include <cstdint>

namespace sluice {

__extension__ typedef __int128 int128;

using interval = arrow::MonthDayNanoIntervalType::MonthDayNanos;

inline constexpr std::int64_t nanoseconds_per_day = 86'400'000'000'000;

/// The length by which intervals are compared, as PostgreSQL does: a month counts 30 days and a day 24 hours.
/// Nanoseconds.
constexpr int128 interval_length(const interval& of) {
  return (int128{of.months} * 30 + of.days) * nanoseconds_per_day + of.nanoseconds;
}

/// The one interval that stands for all of its length: as many months as it has, then days, then nanoseconds.
constexpr interval canonical_interval(const interval& of) {
  constexpr auto within = [](int128 value) {
    return static_cast<std::int64_t>(value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value);
  };
  auto rest = interval_length(of);
  const auto months = within(rest / (30 * int128{nanoseconds_per_day}));
  rest -= int128{months} * 30 * nanoseconds_per_day;
  const auto days = within(rest / nanoseconds_per_day);
  rest -= int128{days} * nanoseconds_per_day;
  return {static_cast<std::int32_t>(months), static_cast<std::int32_t>(days), static_cast<std::int64_t>(rest)};
}

}  // namespace sluice
