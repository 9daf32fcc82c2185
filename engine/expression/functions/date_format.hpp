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
  year,        ///< its last `digits`; 4: all of it
  year_comma,  ///< 2,024
  year2,       ///< as it is read: 70 to 99 are 19xx
  iso_year,
  century,
  era,
  quarter,
  month,
  month_name,
  month_short,
  month_roman,
  week_of_month,
  week_of_year,
  iso_week,
  julian_day,
  day,
  day_of_year,
  iso_day_of_year,
  weekday,  ///< Monday is 1
  weekday_sunday,
  weekday_name,
  weekday_short,
  hour24,
  hour12,
  minute,
  second,
  second_of_day,
  fraction,  ///< `digits` of it
  meridiem,
  zone_name,
  zone_offset,
  zone_hours,
  zone_minutes,
  epoch
};

enum class letter_case { upper, lower, title };
enum class ordinal { none, lower, upper };  ///< 1st, 1ST

struct date_item {
  date_part part = date_part::literal;
  std::string literal = {};
  letter_case letters = letter_case::title;
  int digits = 0;
  bool dotted = false;  ///< A.M., B.C.
  ordinal suffix = ordinal::none;
  bool padded = true;  ///< zeros in front, blanks behind names
};
using date_format = std::vector<date_item>;

/// Why a format can't be used.
struct format_fault {
  std::string message;  ///< continues after "the format 'x' "
  std::string hint;
};

enum class format_use { writing, reading };
/// Reads a format in PostgreSQL's style (YYYY-MM-DD HH24:MI:SS) or, where it holds a %, in that of strftime. Empty
/// where it holds something unknown, or something that can't be read back where it is for reading.
std::optional<date_format> read_date_format(std::string_view format, format_use use, format_fault& fault);
/// Whether what a format writes can be read back; `percent`: it is in the style of strftime.
bool check_readable(const date_format& items, bool percent, format_fault& fault);
/// True where the format shows the zone.
bool needs_zone(const date_format& format);

/// The zone at a time.
struct zone_at {
  std::int64_t offset = 0;  ///< seconds east of UTC
  std::string_view name = {};
};
/// Appends a local time, in microseconds, by the format.
void append_date(std::string& out, const date_format& format, std::int64_t local, const zone_at& zone = {});
/// Reads a local time; false where the text does not follow the format or names no real time.
bool parse_date(std::string_view text, const date_format& format, std::int64_t& local);

// Names that formats write and read.
std::string_view month_name(std::size_t number);    ///< from 0
std::string_view weekday_name(std::size_t number);  ///< Monday is 0

}  // namespace sluice::expression
