// Dates, times and zones: what PostgreSQL 15 gives.
#include "tests/engine/expression/checking.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

std::string trunc(const std::string& unit, const std::string& at) {
  return "date_trunc('" + unit + "', timestamptz '2024-" + at + "+00')";
}

}  // namespace

TEST_CASE("date_trunc keeps an hour that comes twice apart, and never moves forward") {
  {
    const in_zone zone("America/New_York");
    check_all({{trunc("hour", "11-03 05:30:00"), "2024-11-03 05:00:00+00"},
               {trunc("hour", "11-03 06:30:00"), "2024-11-03 06:00:00+00"},
               {trunc("minute", "11-03 05:30:30"), "2024-11-03 05:30:00+00"},
               {trunc("second", "11-03 05:30:30.5"), "2024-11-03 05:30:30+00"},
               {trunc("milliseconds", "11-03 05:30:30.5555"), "2024-11-03 05:30:30.555+00"},
               {trunc("microseconds", "11-03 05:30:30.5555"), "2024-11-03 05:30:30.5555+00"},
               {trunc("day", "11-03 12:30:30"), "2024-11-03 04:00:00+00"},
               {trunc("week", "11-05 12:30:30"), "2024-11-04 05:00:00+00"}});
  }
  {
    const in_zone zone("Australia/Lord_Howe");  // goes back by half an hour
    check_all({{trunc("hour", "04-06 14:50:00"), "2024-04-06 14:00:00+00"},
               {trunc("hour", "04-06 15:05:00"), "2024-04-06 14:30:00+00"},
               {trunc("hour", "04-06 15:35:00"), "2024-04-06 15:30:00+00"}});
  }
  const in_zone zone("America/Sao_Paulo");  // changes at midnight
  check_all({{"date_trunc('day', timestamptz '2018-11-04 12:30+00')", "2018-11-04 03:00:00+00"},
             {"date_trunc('hour', timestamptz '1900-11-04 12:30+00')", "1900-11-04 12:06:28+00"}});
}

TEST_CASE("a sum of months and days passes through real times") {
  const in_zone zone("Europe/Berlin");
  check_all({{"timestamptz '2024-02-29 01:30+00' + interval '1 mon 2 days'", "2024-03-31 01:30:00+00"},
             {"timestamptz '2024-02-28 01:30+00' + interval '1 mon 3 days'", "2024-03-31 01:30:00+00"},
             {"timestamptz '2023-03-31 00:30+00' + interval '1 year 1 day'", "2024-04-01 01:30:00+00"},
             {"timestamptz '2024-04-30 00:30+00' - interval '1 mon -1 days'", "2024-03-31 01:30:00+00"}});
}

TEST_CASE("every conversion between zoned and local times knows the years beyond 2037") {
  const in_zone zone("Europe/Berlin");
  const std::string at = "timestamptz '2050-07-01 22:30:00+00'";
  check_all({{at + "::timestamp", "2050-07-02 00:30:00"},
             {at + "::date", "2050-07-02"},
             {at + "::time", "00:30:00"},
             {"extract(hour from " + at + ")", "0"},
             {"extract(day from " + at + ")", "2"},
             {"to_char(" + at + ", 'YYYY-MM-DD HH24:MI')", "2050-07-02 00:30"},
             {"strftime(" + at + ", '%Y-%m-%d %H:%M')", "2050-07-02 00:30"},
             {"date_trunc('day', " + at + ")", "2050-07-01 22:00:00+00"},
             {"timestamp '2050-07-02 00:30'::timestamptz", "2050-07-01 22:30:00+00"},
             {"'2050-07-02 00:30'::timestamptz", "2050-07-01 22:30:00+00"},
             {"date '2050-07-02'::timestamptz", "2050-07-01 22:00:00+00"},
             {"to_timestamp('2050-07-02 00:30', 'YYYY-MM-DD HH24:MI')", "2050-07-01 22:30:00+00"},
             {at + " + interval '6 months'", "2051-01-01 23:30:00+00"},
             {at + " = timestamp '2050-07-02 00:30'", "true"}});
}
