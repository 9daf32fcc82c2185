// Which formats of dates and times can be read back.
#include "engine/expression/functions/date_format.hpp"

#include <algorithm>

namespace sluice::expression {

namespace {

using part = date_part;

// What reading understands; the name is for the message.
const char* unreadable(date_part of) {
  switch (of) {
    case part::year_comma:
      return "Y,YYY";
    case part::iso_year:
      return "the year of the ISO week";
    case part::iso_week:
      return "the ISO week";
    case part::iso_day_of_year:
      return "the day of the ISO year";
    case part::weekday:
    case part::weekday_sunday:
      return "the number of the weekday";
    case part::century:
      return "the century";
    case part::era:
      return "BC or AD";
    case part::quarter:
      return "the quarter";
    case part::month_roman:
      return "the Roman month";
    case part::week_of_month:
    case part::week_of_year:
      return "the week";
    case part::zone_name:
    case part::zone_offset:
    case part::zone_hours:
    case part::zone_minutes:
      return "the time zone";
    default:
      return nullptr;
  }
}

// What two parts of a format must not say both; 0: they may.
int said_once(date_part of) {
  switch (of) {
    case part::year:
    case part::year2:
      return 1;
    case part::month:
    case part::month_name:
    case part::month_short:
      return 2;
    case part::day:
      return 4;
    case part::day_of_year:
      return 2 | 4;
    case part::julian_day:
      return 1 | 2 | 4;
    case part::hour24:
    case part::hour12:
      return 8;
    case part::minute:
      return 16;
    case part::second:
      return 32;
    case part::second_of_day:
      return 8 | 16 | 32;
    case part::fraction:
      return 64;
    case part::meridiem:
      return 128;
    default:
      return 0;
  }
}

}  // namespace

bool check_readable(const date_format& items, bool percent, format_fault& fault) {
  const std::string hint = "use year, month and day (or the day of the year) and the time of day";
  int said = 0;
  for (const auto& item : items) {
    const bool ignored = percent && item.part == part::weekday;  // %u
    const char* what = item.part == part::year && item.digits < 4 ? "a year of one or three digits"
                       : ignored                                  ? nullptr
                                                                  : unreadable(item.part);
    if (what != nullptr) {
      fault = {std::string("contains ") + what + ", which can be formatted but not parsed", hint};
      return false;
    }
    const auto says = said_once(item.part);
    if ((said & says) != 0) {
      fault = {"gives a part of the date or time twice", hint};
      return false;
    }
    said |= says;
  }
  const bool year_missing = (said & 1) == 0 && std::any_of(items.begin(), items.end(), [](const auto& item) {
                              return item.part == part::day_of_year;
                            });
  if (year_missing) fault = {"has the day of the year without the year", hint};
  return !year_missing;
}

}  // namespace sluice::expression
