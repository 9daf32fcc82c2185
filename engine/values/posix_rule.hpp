#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// A kind of local time: its offset east of UTC in seconds, and what clocks call it.
struct local_time_type {
  std::int32_t offset = 0;
  bool is_daylight = false;
  std::string abbreviation;
};

/// Offsets from UTC that zone files may state, in seconds (RFC 8536 asks for this range).
inline constexpr std::int32_t least_offset = -89'999;
inline constexpr std::int32_t greatest_offset = 93'599;

/// The rule at the end of a zone file, a POSIX TZ string with the extensions of RFC 8536: "CET-1CEST,M3.5.0,M10.5.0/3".
/// It holds for all times behind the last change that the file lists.
class posix_rule {
 public:
  /// Nothing where the text is no such rule.
  static std::optional<posix_rule> parse(std::string_view text);

  [[nodiscard]] const local_time_type& standard() const { return standard_; }
  /// The local time of summer (or winter, where its offset is smaller); empty where clocks never change.
  [[nodiscard]] const std::optional<local_time_type>& daylight() const { return daylight_; }

  /// When daylight time begins and ends in a year, in seconds since 1970 UTC. Only with daylight().
  [[nodiscard]] std::int64_t begin_of(std::int64_t year) const { return at(begin_, year) - standard_.offset; }
  [[nodiscard]] std::int64_t end_of(std::int64_t year) const { return at(end_, year) - daylight_->offset; }

 private:
  struct date_rule {
    enum class kind { month_week_day, day_without_leap, day_of_year } what = kind::month_week_day;
    int month = 1, week = 1, weekday = 0;  ///< weekday: Sunday is 0
    int day = 0;
    std::int32_t time = 2 * 3600;  ///< seconds since midnight of that day, -167 to 167 hours
  };
  static bool take_date(std::string_view& text, date_rule& out);
  /// Local seconds since 1970.
  static std::int64_t at(const date_rule& rule, std::int64_t year);

  local_time_type standard_;
  std::optional<local_time_type> daylight_;
  date_rule begin_, end_;
};

}  // namespace sluice
