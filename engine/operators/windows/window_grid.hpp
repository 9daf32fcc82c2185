#pragma once

#include "engine/error/error.hpp"
#include "engine/operators/windows/window_rule.hpp"
#include "engine/values/time_zone.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::windows {

/// Where the windows of fixed length lie; all times are microseconds since 1970 UTC (or of a clock without a zone).
///
/// They are aligned in a time zone. Windows that begin several times a day at equal distances are counted from
/// midnight; where a day is longer or shorter than 24 hours, the last tumbling window of the day is cut off. Those that
/// begin every day or every few days begin at midnight, counted from Monday, 29 December 1969, so that windows of 7
/// days are weeks. All others (7m, 5h) are counted from 1970 UTC, whatever the zone.
class window_grid {
 public:
  /// `zone`: empty for times without a zone. Errors: unknown_timezone.
  static result<window_grid> make(const window_rule& rule, const std::string& zone);

  /// The latest begin of a window at or before a time.
  [[nodiscard]] std::int64_t begin_at(std::int64_t time);
  /// The end of the window that begins there: the first time that is not in it.
  [[nodiscard]] std::int64_t end_of(std::int64_t begin);
  /// Adds the begins of all windows that a time is in, latest first.
  void begins_of(std::int64_t time, std::vector<std::int64_t>& begins);

 private:
  window_grid(const window_rule& rule, zone_clock clock);
  enum class counted { within_days, in_days, from_1970 };

  void find_step(std::int64_t time);
  [[nodiscard]] std::int64_t midnight_of(std::int64_t day) { return clock_.to_utc(day * day_length); }
  [[nodiscard]] std::int64_t day_of(std::int64_t time);

  static constexpr std::int64_t day_length = std::int64_t{24} * 3600 * 1'000'000;

  window_rule rule_;
  zone_clock clock_;
  counted how_;
  // The stretch in which begins are at equal distances from its first; remembered for neighbouring times.
  std::int64_t first_ = 1;
  std::int64_t last_ = 0;  ///< the first time behind it
};

}  // namespace sluice::windows
