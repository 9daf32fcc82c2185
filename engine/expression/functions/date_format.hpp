#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// A part of a date or time that a format names.
enum class date_part {
  literal,
  year,
  year2,
  month,
  month_name,
  month_short,
  day,
  day_of_year,
  weekday,
  weekday_name,
  weekday_short,
  quarter,
  iso_year,
  iso_week,
  hour24,
  hour12,
  minute,
  second,
  millisecond,
  microsecond,
  fraction,
  meridiem,
  epoch
};

enum class letter_case { upper, lower, title };

struct date_item {
  date_part part = date_part::literal;
  std::string literal = {};
  letter_case letters = letter_case::title;
  bool padded = true;  ///< zeros in front, blanks behind names
};

/// Reads a format in PostgreSQL's style (YYYY-MM-DD HH24:MI:SS) or, where it holds a %, in that of strftime. Empty
/// where it holds something unknown, which `unknown` then names.
std::optional<std::vector<date_item>> read_date_format(std::string_view format, std::string& unknown);
/// Appends a local time, in microseconds, by the format.
void append_date(std::string& out, const std::vector<date_item>& format, std::int64_t local);
/// Reads a local time; false where the text does not follow the format or names no real time.
bool parse_date(std::string_view text, const std::vector<date_item>& format, std::int64_t& local);

}  // namespace sluice::expression
