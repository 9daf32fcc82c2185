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

TEST_CASE("a date is shown with the offset of its midnight, and fields of the zone are given") {
  {
    const in_zone zone("Europe/Berlin");
    check_all({{"to_char(date '2024-07-01', 'TZ tz OF TZH:TZM')", "CEST cest +02 +02:00"},
               {"to_char(date '2024-01-01', 'YYYY-MM-DD HH24:MI TZ')", "2024-01-01 00:00 CET"},
               {"extract(timezone from timestamptz '2024-07-01 12:00+00')", "7200"},
               {"extract(timezone_hour from timestamptz '1890-07-01 12:00+00')", "0"},
               {"extract(timezone_minute from timestamptz '1890-07-01 12:00+00')", "53"},
               {"date_part('timezone', timestamptz '1890-07-01 12:00+00')", "3208"}});
  }
  {
    const in_zone zone("America/St_Johns");
    check_all({{"extract(timezone from timestamptz '2024-01-01 12:00+00')", "-12600"},
               {"extract(timezone_hour from timestamptz '2024-01-01 12:00+00')", "-3"},
               {"extract(timezone_minute from timestamptz '2024-01-01 12:00+00')", "-30"}});
  }
  for (const auto* const text :
       {"extract(timezone from timestamp '2024-01-01')", "date_part('timezone', date '2024-01-01')"})
    CHECK(value_of(text).starts_with("type_mismatch@"));
  const in_zone zone("Pacific/Apia");  // has no 2011-12-30
  CHECK(value_of("to_char(date '2011-12-30', 'YYYY-MM-DD')") == "2011-12-30");
}

TEST_CASE("years, ISO years and millennia are counted from 1 and -1") {
  check_all({{"extract(millennium from date '2000-12-31')", "2"},
             {"extract(millennium from date '2001-01-01')", "3"},
             {"extract(millennium from date '0001-01-01')", "1"},
             {"extract(millennium from make_date(-1, 1, 1))", "-1"},
             {"extract(millennium from make_date(-1000, 1, 1))", "-1"},
             {"extract(millennium from make_date(-1001, 1, 1))", "-2"},
             {"extract(millennium from interval '-2500 years')", "-2"},
             // No year is 0.
             {"extract(isoyear from date '0001-01-01')", "1"},
             {"extract(isoyear from make_date(-1, 12, 31))", "-1"},
             {"extract(isoyear from make_date(-1, 1, 1))", "-2"},
             {"extract(year from make_date(-1, 1, 1))", "-1"}});
}

TEST_CASE("years before 1 and beyond 9999 are read as they are written") {
  check_all({{"'0044-03-15 BC'::date", "0044-03-15 BC"},
             {"'0044-03-15 bc'::date - date '0001-01-01'", "-15998"},
             {"'0001-02-29 BC'::date", "0001-02-29 BC"},
             {"'0044-03-15 12:30:00.5 BC'::timestamp", "0044-03-15 12:30:00.5 BC"},
             {"'0044-03-15 12:30:00+02 BC'::timestamptz", "0044-03-15 10:30:00+00 BC"},
             {"'290000-01-01 BC'::timestamp::text", "290000-01-01 00:00:00 BC"},
             {"'294246-12-31'::timestamp", "294246-12-31 00:00:00"},
             {"'5881580-01-01'::date", "5881580-01-01"},
             {"make_date(700000, 2, 29)", "700000-02-29"},
             {"make_date(5881580, 7, 11)", "5881580-07-11"},
             {"make_date(-5877642, 12, 31)", "5877642-12-31 BC"},
             {"make_timestamp(294247, 1, 10, 4, 0, 54)", "294247-01-10 04:00:54"},
             {"make_timestamp(-290308, 12, 31, 0, 0, 0)", "290308-12-31 00:00:00 BC"}});
  for (const auto* const text :
       {"make_date(5881580, 7, 12)", "make_date(-5877642, 1, 1)", "make_timestamp(294247, 1, 11, 0, 0, 0)"}) {
    INFO(text);
    CHECK(value_of(text).starts_with("!out_of_range: there is no "));
  }
  for (const auto* const text :
       {"'0000-01-01 BC'::date", "'0002-02-29 BC'::date", "'9999999-01-01'::date", "'BC'::date", "'0044-03-15BC'::date",
        "'0044-03-15 BC 12:30'::timestamp", "'300000-01-01 BC'::timestamp"}) {
    INFO(text);
    CHECK(value_of(text).starts_with("invalid_literal@"));
  }
}

TEST_CASE("seconds are rounded to microseconds before their range is checked") {
  check_all({{"make_timestamp(2024, 1, 28, 0, 0, -3e-14)", "2024-01-28 00:00:00"},
             {"make_timestamp(2024, 1, 28, 0, 0, -4.9e-7)", "2024-01-28 00:00:00"},
             {"make_timestamp(2024, 1, 28, 23, 59, 59.9999999)", "2024-01-29 00:00:00"},
             {"make_timestamp(2024, 1, 28, 23, 59, 60.0000004)", "2024-01-29 00:00:00"},
             {"make_time(8, 15, 59.9999999)", "08:16:00"},
             {"make_time(0, 0, -3e-14)", "00:00:00"},
             {"make_timestamptz(2024, 1, 28, 0, 0, -3e-14)", "2024-01-28 00:00:00+00"},
             {"make_timestamptz(2024, 7, 28, 0, 0, 59.9999999, 'Europe/Berlin')", "2024-07-27 22:01:00+00"},
             {"make_interval(0, 0, 0, 0, 0, 0, 59.9999999)", "00:01:00"},
             {"make_interval(secs => -3e-14)", "00:00:00"},
             {"make_interval(1, 2, 3, 4, 5, 6, 7.8)", "1 year 2 mons 25 days 05:06:07.8"},
             {"make_interval(days => 10, hours => -3)", "10 days -03:00:00"}});
  for (const auto* const text :
       {"make_timestamp(2024, 1, 28, 0, 0, -6e-7)", "make_timestamp(2024, 1, 28, 0, 0, 60.000001)",
        "make_timestamp(2024, 1, 28, 0, 0, 'NaN')", "make_time(8, 60, 0)", "make_time(8, 0, 'Infinity')",
        "make_timestamp(2024, 1, 28, 24, 0, 0.000001)", "make_timestamptz(2024, 1, 32, 0, 0, 0)"}) {
    INFO(text);
    CHECK(value_of(text).starts_with("!out_of_range: there is no "));
  }
  CHECK(value_of("make_interval(0, 0, 0, 0, 0, 0, 'NaN')").starts_with("!out_of_range"));
  CHECK(value_of("make_interval(2147483647)").starts_with("!out_of_range"));
  CHECK(faults_of("make_interval(day => 1)") ==
        "invalid_expression@0 make_interval has no argument day [did you mean days?]");
  CHECK(faults_of("make_date(year => 1)").starts_with("invalid_expression@0 the arguments of make_date have no names"));
  CHECK(faults_of("make_interval(days => 1, days => 2)") == "invalid_expression@0 the argument days is given twice");
}

TEST_CASE("at time zone goes between moments and local times") {
  const in_zone zone("America/New_York");
  check_all({{"timestamp '2024-07-01 12:00' at time zone 'Europe/Berlin'", "2024-07-01 10:00:00+00"},
             {"timestamptz '2024-07-01 12:00+00' at time zone 'Europe/Berlin'", "2024-07-01 14:00:00"},
             {"timestamp '2024-03-31 02:30' at time zone 'Europe/Berlin'", "2024-03-31 01:30:00+00"},
             {"timestamptz '2024-07-01 12:00+00' at time zone 'utc'", "2024-07-01 12:00:00"},
             {"timestamp '2024-07-01 12:00' at time zone 'UTC' at time zone 'Asia/Kolkata'", "2024-07-01 17:30:00"},
             {"(timestamp '2024-07-01 22:00' at time zone 'UTC' at time zone 'Asia/Kolkata')::date", "2024-07-02"},
             {"date '2024-07-01' at time zone 'UTC'", "2024-07-01 04:00:00"},
             {"timestamptz '2024-07-01 12:00+00' at time zone interval '-2 hours 30 minutes'", "2024-07-01 10:30:00"},
             {"timestamptz '2024-07-01 12:00+00' at time zone interval '-2 hours -30 minutes'", "2024-07-01 09:30:00"},
             {"timestamp '2024-07-01 12:00' at time zone interval '2 hours'", "2024-07-01 10:00:00+00"}});
  CHECK(faults_of("now() at time zone 'Europe/Berln'") ==
        "unknown_timezone@19 there is no time zone Europe/Berln; did you mean Europe/Berlin?");
  CHECK(faults_of("now() at time zone '+02'").starts_with("unknown_timezone@19 '+02' is an offset"));
  CHECK(values_of("timestamp '2024-07-01 12:00' at time zone z", {{"z", "text", R"(["Asia/Kolkata", null, "x"])"}})
            .starts_with("2024-07-01 06:30:00+00|null|!unknown_timezone: "));
}

TEST_CASE("the unit of an interval may stand behind its number") {
  check_all({{"interval '1' day", "1 day"},
             {"interval '-3' month", "-3 mons"},
             {"interval '90' minute", "01:30:00"},
             {"interval '1.5' second", "00:00:01.5"},
             {"date '2024-05-01' + interval '1' year", "2025-05-01 00:00:00"},
             {"timestamp '2024-05-01' - interval '2' hour", "2024-04-30 22:00:00"}});
  CHECK(faults_of("interval '1.5' day") ==
        "invalid_expression@15 expected a whole number before day, found '1.5' [write the whole interval as a text: "
        "interval '1 day 02:00']");
  CHECK(faults_of("interval '1' day to second").starts_with("invalid_expression@17 an interval has one unit here"));
}

TEST_CASE("seconds of more than six digits are rounded half to even") {
  check_all({{"time '12:00:00.1234565'", "12:00:00.123456"},
             {"time '12:00:00.1234575'", "12:00:00.123458"},
             {"time '01:59:59.0000005'", "01:59:59"},
             {"time '01:59:59.00000050001'", "01:59:59.000001"},
             {"timestamp '2024-12-31 23:59:59.9999999'", "2025-01-01 00:00:00"}});
}
