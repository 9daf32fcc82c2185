#pragma once

#include "engine/error/error.hpp"
#include "engine/values/time_zone.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::schedule {

/// A cron expression of five fields (minute, hour, day of month, month, day of week) in the dialect of Debian's cron:
/// numbers, names (JAN, MON), ranges, lists and steps, Sunday being 0 or 7.
///
/// - Where neither day field begins with a star, a day matches if one of them does; else both have to.
/// - A time that a change to summer time skips runs at the first minute behind the gap, one that is repeated in autumn
///   runs once, the first time. Where minute or hour begin with a star, each minute that a clock shows counts instead:
///   */30 runs twice in the hour that is repeated.
class cron {
 public:
  /// The error is invalid_cron, with `offset` into the text; also for what never comes (31 February).
  static result<cron> parse(std::string_view text);

  /// The first time after `after` (both microseconds since 1970 UTC) in a zone; nullopt where there is none within 50
  /// years.
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t after, zone_clock& zone) const;

 private:
  [[nodiscard]] bool matches_day(std::int64_t day) const;
  [[nodiscard]] std::optional<std::int64_t> next_by_clock(std::int64_t after, zone_clock& zone) const;
  [[nodiscard]] std::optional<std::int64_t> next_by_calendar(std::int64_t after, zone_clock& zone) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;
  bool both_days_ = true;  ///< one of the day fields begins with a star
  bool by_clock_ = false;  ///< minute or hour begin with a star
};

/// When a local time first comes; in a gap of the clock the first minute behind it. Microseconds, on whole minutes.
std::int64_t first_of_local(std::int64_t local, zone_clock& zone);

}  // namespace sluice::schedule
