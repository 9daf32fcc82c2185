#pragma once

#include "engine/values/value_parse.hpp"

#include <cstdint>
#include <string_view>

/// What the texts of intervals are made of.
namespace sluice::interval_parts {

enum class unit {
  none,
  microsecond,
  millisecond,
  second,
  minute,
  hour,
  day,
  week,
  month,
  year,
  decade,
  century,
  millennium,
  ago
};
/// The unit that a word in small letters names, or none.
unit unit_named(std::string_view word);

/// 1.5, .5 or 5.: the whole part and, with the same sign, the rest.
struct number {
  std::int64_t whole = 0;
  double fraction = 0;
};

/// Gathers what the fields of an interval say. Every `add` is false beyond the range.
class parts {
 public:
  bool add(unit what, const number& count);
  [[nodiscard]] bool has_time() const { return time_ != 0; }
  bool add_microseconds(std::int64_t count) { return add_to(time_, count, 1); }

  parsed store(interval_value& out, bool ago) const;

 private:
  static bool add_to(std::int64_t& sum, std::int64_t count, std::int64_t scale);
  /// Half a microsecond is dropped, more is a whole one.
  bool add_fraction(double of_unit, std::int64_t unit_microseconds);
  bool add_fraction_of_days(double days);
  bool add_time(const number& count, std::int64_t unit_microseconds);
  /// A part of a year is rounded to months.
  bool add_years(const number& count, std::int64_t years);

  std::int64_t months_ = 0, days_ = 0, time_ = 0;
};

}  // namespace sluice::interval_parts
