// Intervals: what PostgreSQL 15 reads, writes and computes.
#include "engine/values/value_parse.hpp"

#include "tests/engine/expression/checking.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

std::string interval_of(const std::string& text) {
  sluice::interval_value value;
  switch (sluice::parse_interval(text, value)) {
    case sluice::parsed::malformed:
      return "malformed";
    case sluice::parsed::out_of_range:
      return "out of range";
    default:
      break;
  }
  std::string written;
  sluice::append_interval(written, value.months, value.days, value.nanoseconds);
  return written;
}

}  // namespace

// clang-format off
TEST_CASE("intervals are read and written as PostgreSQL does") {
  const std::vector<expected> all = {
{"1 day 1 day", "malformed"},
{"1 quarter", "malformed"},
{"0.05 year", "1 mon"},
{"P1.1Y0M3D", "1 year 1 mon 3 days"},
{"-1 year -2 months +3 days -04:05:06.7", "-1 years -2 mons +3 days -04:05:06.7"},
{"1 day -1 hour ago", "-1 days +01:00:00"},
{"1 mon 2 mon", "malformed"},
{"1 year 2 years", "malformed"},
{"1.5 month", "1 mon 15 days"},
{"1.5 weeks", "10 days 12:00:00"},
{"0.1 millennium", "100 years"},
{"1:2", "01:02:00"},
{"1:2:3", "01:02:03"},
{"-1:2:3.456789", "-01:02:03.456789"},
{"1 2:03:04", "1 day 02:03:04"},
{"1 day 2", "1 day 00:00:02"},
{"5", "00:00:05"},
{"5.5", "00:00:05.5"},
{"1.5", "00:00:01.5"},
{"@ 1 minute", "00:01:00"},
{"@ 1 day ago", "-1 days"},
{"1 mons", "1 mon"},
{"2 yrs", "2 years"},
{"3 hrs 4 mins 5 secs", "03:04:05"},
{"1d 2h", "1 day 02:00:00"},
{"1d2h", "1 day 02:00:00"},
{"1y", "1 year"},
{"1 w", "7 days"},
{"1 c", "100 years"},
{"1 dec", "10 years"},
{"1 mil", "1000 years"},
{"1 millisecond", "00:00:00.001"},
{"1 msec", "00:00:00.001"},
{"1 usec", "00:00:00.000001"},
{"2 microseconds", "00:00:00.000002"},
{"1-2", "1 year 2 mons"},
{"-1-2", "-1 years -2 mons"},
{"1-2 3 4:05:06", "1 year 2 mons 3 days 04:05:06"},
{"P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06"},
{"PT36H", "36:00:00"},
{"P1W", "7 days"},
{"P-1Y", "-1 years"},
{"P0001-02-03T04:05:06", "malformed"},
{"P20010203T040506", "malformed"},
{"p1y", "malformed"},
{"P", "malformed"},
{"PT", "00:00:00"},
{"P1Y1Y", "2 years"},
{"P1.5D", "1 day 12:00:00"},
{"P0.5Y", "6 mons"},
{"PT0.5H", "00:30:00"},
{"", "malformed"},
{" ", "malformed"},
{"ago", "malformed"},
{"1 day ago", "-1 days"},
{"1 hour 1 minute 61 seconds", "01:02:01"},
{"00:61:00", "out of range"},
{"00:00:60", "00:01:00"},
{"25:00:00", "25:00:00"},
{"1000000000 hours", "out of range"},
{"2147483647 hours", "out of range"},
{"178956970 years", "178956970 years"},
{"178956971 years", "out of range"},
{"2147483648 days", "out of range"},
{"1e2 days", "malformed"},
{"1.e2 days", "malformed"},
{".5 days", "12:00:00"},
{"5. days", "5 days"},
{"1..5 days", "malformed"},
{"infinity", "malformed"},
{"1 day 2 hours 1 day", "malformed"},
{"1 second 1 second", "malformed"},
{"1 second 2 milliseconds", "00:00:01.002"},
{"1 hour 00:30", "malformed"},
{"1 month 1 month", "malformed"},
{"1 week 1 day", "8 days"},
{"1 week 1 week", "malformed"},
{"1 weeks 2 days", "9 days"},
{"+1 day", "1 day"},
{"- 1 day", "-1 days"},
{"-1 day", "-1 days"},
{"1 day -2 hours", "1 day -02:00:00"},
{"1 day +2 hours", "1 day 02:00:00"},
{"2 hour 3", "02:00:03"},
{"1 year 5", "1 year 00:00:05"},
{"-0.5 days", "-12:00:00"},
{"-1.5 months", "-1 mons -15 days"},
{"0.0000005 seconds", "00:00:00"},
{"0.0000015 sec", "00:00:00.000001"},
{"1.9999999 sec", "00:00:02"},
{"1 Day", "1 day"},
{"DAY 1", "malformed"},
{"1 decade 1 century", "110 years"},
{"-1.5 hours", "-01:30:00"},
{"1 h 1 m", "01:01:00"},
{"1 m", "00:01:00"},
{"1 M", "00:01:00"},
{"1 min", "00:01:00"},
{"1 mon", "1 mon"},
{"1 months", "1 mon"},
{"1 mm", "malformed"},
{"1 s", "00:00:01"},
{"1 timezone", "malformed"},
{"4 fortnight", "malformed"},
{"1 12:59:10", "1 day 12:59:10"},
{"365 12:59", "365 days 12:59:00"},
{"-23 hours 45 min 12.34 sec", "-22:14:47.66"},
{"6 years ago", "-6 years"},
{"1.5 years ago", "-1 years -6 mons"},
{"0.3 mons", "9 days"},
{"3.333333 mons", "3 mons 9 days 23:59:59.136"},
{"7.7 days", "7 days 16:48:00"},
{"1.23456789 years", "1 year 3 mons"},
{"1 year 1.5 mon", "1 year 1 mon 15 days"},
};
  for (const auto& each : all) {
    INFO(each.text);
    CHECK(interval_of(each.text) == each.value);
    // What is written is read back as the same.
    if (each.value != "malformed" && each.value != "out of range") CHECK(interval_of(each.value) == each.value);
  }
}

TEST_CASE("arithmetic with intervals gives PostgreSQL's results") {
  check_all({
{"interval '1 year' * 0.3::double", "3 mons 18 days"},
{"interval '1 mon' * 1.5::double", "1 mon 15 days"},
{"interval '1 day' * 0.1::double", "02:24:00"},
{"interval '1 mon 1 day 01:00:00' / 3::double", "10 days 08:20:00"},
{"interval '10 mons 15 days' / 7::double", "1 mon 15 days 00:00:00.012343"},
{"interval '-1 year' * 0.7::double", "-8 mons -12 days"},
{"interval '1 year 2 mons 3 days 04:05:06.7' * -1.1::double", "-1 years -3 mons -15 days -11:41:37.37"},
{"interval '1 day' / 86400::double", "00:00:01"},
{"interval '100 years' / 7::double", "14 years 3 mons 12 days 20:34:17.1552"},
{"interval '1 mon' * 0.0333333::double", "23:59:59.9136"},
{"interval '3 days' * 0.5::double", "1 day 12:00:00"},
{"interval '1 mon -1 days' * 2::double", "2 mons -2 days"},
{"interval '1 year' / 12::double", "1 mon"},
{"interval '7 mons' / 2::double", "3 mons 15 days"},
{"interval '1 mon' / 30::double", "1 day"},
{"extract(epoch from interval '1000000000 days')", "86400000000000.000000"},
{"extract(epoch from interval '178000000 years')", "5617252800000000.000000"},
{"extract(epoch from interval '-178000000 years -1 days')", "-5617252800086400.000000"},
{"extract(epoch from interval '1 year 2 mons 3 days 04:05:06.7')", "37015506.700000"},
{"interval '1 mon' - interval '30 days'", "1 mon -30 days"},
{"interval '1 day' - interval '2 days 01:00:00'", "-1 days -01:00:00"},
{"-interval '1 year -2 mons 3 days -04:00:00'", "-10 mons -3 days +04:00:00"},
{"interval '1 day -1 hours'", "1 day -01:00:00"},
{"interval '-1 days +02:00:00'", "-1 days +02:00:00"},
{"interval '1 mon -1 days +01:00:00'", "1 mon -1 days +01:00:00"},
});
}
// clang-format on

TEST_CASE("what only this engine does with intervals is refused, not guessed") {
  for (const auto* bad :
       {"P1Y2",      "P1X",        "PT1D",        "P1H",       "P1YTT1H", "P+1Y",    "1 day ago 1 hour",
        "ago 1 day", "1 2 3 days", "1 day 2 3",   "1:2:3:4",   "1:",      "1:60",    "1-12",
        "1-2-3",     "--1 day",    "1 day hours", "day",       "@",       "1 @ day", "9223372036854775808 us",
        "1 day;",    "1e5 days",   "0x10 days",   "1_000 days"}) {
    INFO(bad);
    const auto found = interval_of(bad);
    CHECK((found == "malformed" || found == "out of range"));
  }
  CHECK(value_of("interval '1 day' / 0").starts_with("!division_by_zero"));
  CHECK(value_of("interval '2000000000 days' * 2").starts_with("!out_of_range"));
  CHECK(value_of("interval '1 day' * 'NaN'::double").starts_with("!out_of_range"));
}

TEST_CASE("the parts of dates and times are PostgreSQL's") {
  check_all({{"'2024-05-01 24:00:00'::date", "2024-05-01"},
             {"'2024-05-01T12:30:00'::date", "2024-05-01"},
             {"' 2024-05-01 24:00 '::date", "2024-05-01"},
             {"'2024-05-01 24:00:00'::timestamp", "2024-05-02 00:00:00"},
             {"make_timestamp(2024, 5, 1, 24, 0, 0)", "2024-05-02 00:00:00"},
             {"make_timestamp(2024, 5, 1, 23, 59, 60)", "2024-05-02 00:00:00"},
             {"make_timestamp(2024, 5, 1, 12, 30, 59.9999999)", "2024-05-01 12:31:00"},
             {"make_date(-44, 3, 15)", "0044-03-15 BC"},
             {"date_part('hour', date '2024-05-01')", "0"},
             {"extract(epoch from date '2024-05-01')", "1714521600.000000"},
             {"date_trunc('Weeks', timestamp '2000-05-05')", "2000-05-01 00:00:00"},
             {"date_trunc('MONTH', timestamp '2000-05-05')", "2000-05-01 00:00:00"},
             {"date_trunc('century', timestamp '2000-05-05')", "1901-01-01 00:00:00"},
             {"date_trunc('decade', make_date(-44, 3, 15))", "0051-01-01 00:00:00 BC"},
             {"date_trunc('century', make_date(-44, 3, 15))", "0100-01-01 00:00:00 BC"},
             {"date_trunc('millennium', make_date(-44, 3, 15))", "1000-01-01 00:00:00 BC"},
             {"interval '1 mon' in (interval '30 days')", "true"},
             {"interval '1 mon' is distinct from interval '30 days'", "false"},
             {"nullif(interval '24:00', interval '1 day') is null", "true"}});
  for (const auto* bad : {"make_timestamp(2024, 5, 1, 24, 0, 1)", "make_timestamp(2024, 5, 1, 12, 30, 60.5)",
                          "make_timestamp(2024, 5, 1, 25, 0, 0)", "make_date(0, 1, 1)", "make_date(2023, 2, 29)"})
    CHECK(value_of(bad).starts_with("!out_of_range"));
  for (const auto* field : {"hour", "minute", "second", "milliseconds", "microseconds"})
    CHECK(faults_of(std::string("extract(") + field + " from date '2024-05-01')") ==
          std::string("type_mismatch@8 a date has no ") + field +
              " [cast it to timestamp if you want the time at midnight: x::timestamp]");
}
