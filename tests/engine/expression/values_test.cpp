// Values compared with what PostgreSQL 16 gives, written down by hand.
#include "engine/values/positions.hpp"
#include "tests/engine/expression/checking.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

TEST_CASE("arithmetic gives PostgreSQL's results") {
  check_all({{"5 / 2", "2"},
             {"-5 / 2", "-2"},
             {"-5 % 3", "-2"},
             {"5 / 2.0", "2.50000000000000000000"},
             {"0.1 + 0.2", "0.3"},
             {"0.1::double + 0.2::double", "0.30000000000000004"},
             {"2 ^ 3 ^ 2", "64"},
             {"-2 ^ 2", "4"},
             {"2 + 3 * 4 - 1", "13"},
             {"10.00 / 3", "3.33333333333333333333"},
             {"5 % 0.3", "0.2"},
             {"-9223372036854775808", "-9223372036854775808"},
             {"1.10 * 1.10", "1.2100"},
             {"round(2.5)", "3"},
             {"round(-2.5)", "-3"},
             {"round(2.5::double)", "2"},
             {"round(3.5::double)", "4"},
             {"round(2.675, 2)", "2.68"},
             {"round(1234.567, -2)", "1200"},
             {"round(0.125::double, 2)", "0.13"},
             {"trunc(-2.789, 1)", "-2.7"},
             {"ceil(-0.5)", "0"},
             {"floor(-0.5)", "-1"},
             {"abs(-5.5)", "5.5"},
             {"mod(-7, 3)", "-1"},
             {"sqrt(2)", "1.4142135623730951"},
             {"12345678901234567890.12 + 0.01", "12345678901234567890.13"},
             {"99999999999999999999999999999999999999 - 1", "99999999999999999999999999999999999998"}});
}

TEST_CASE("casts give PostgreSQL's results") {
  check_all({{"2.5::integer", "3"},
             {"-2.5::integer", "-3"},
             {"2.5::double::integer", "2"},
             {"3.5::double::integer", "4"},
             {"' 12 '::integer", "12"},
             {"'+7'::integer", "7"},
             {"'12.345'::decimal(4,2)", "12.35"},
             {"'-12.345'::decimal(4,2)", "-12.35"},
             {"'1.5e3'::decimal(6,1)", "1500.0"},
             {"'.5'::decimal(3,2)", "0.50"},
             {"0.1::double::decimal(20,18)", "0.100000000000000000"},
             {"'1e3'::double", "1000"},
             {"'infinity'::double", "Infinity"},
             {"'yes'::boolean", "true"},
             {"'F'::boolean", "false"},
             {"true::integer", "1"},
             {"0::boolean", "false"},
             {"'2024-5-1'::date", "2024-05-01"},
             {"'2024-05-01T12:30:00.123456'::timestamp", "2024-05-01 12:30:00.123456"},
             {"'2024-05-01 12:30:00.1234567'::timestamp", "2024-05-01 12:30:00.123457"},
             {"'2024-05-01 12:30+02'::timestamptz", "2024-05-01 10:30:00+00"},
             {"'2024-05-01 12:30:00 -03:30'::timestamptz", "2024-05-01 16:00:00+00"},
             {"'2024-05-01 12:30Z'::timestamptz", "2024-05-01 12:30:00+00"},
             {"timestamp '2024-05-01 23:59:59'::date", "2024-05-01"},
             {"date '1969-12-31'::timestamp", "1969-12-31 00:00:00"},
             {"timestamp '1969-12-31 23:00:00'::date", "1969-12-31"},
             {"'1 year 2 mons 3 days 04:05:06'::interval", "1 year 2 mons 3 days 04:05:06"},
             {"'90 minutes'::interval", "01:30:00"},
             {"'1.5 days'::interval", "1 day 12:00:00"},
             {"'-1 day -2 hours'::interval", "-1 days -02:00:00"},
             {"'1 day ago'::interval", "-1 days"},
             {"'P1DT2H'::interval", "1 day 02:00:00"},
             {"'\\x6162'::bytea = 'ab'::bytea", "true"},
             {"12::text || 'x'", "12x"},
             {"1.50::text", "1.50"},
             {"1e20::text", "1e+20"},
             {"cast('7' as smallint)", "7"}});
}

TEST_CASE("dates and times give PostgreSQL's results") {
  check_all(
      {{"date '2024-03-01' - date '2024-02-01'", "29"},
       {"date '2024-01-31' + interval '1 month'", "2024-02-29 00:00:00"},
       {"date '2023-03-31' - interval '1 month'", "2023-02-28 00:00:00"},
       {"timestamp '2024-05-01 12:00' - timestamp '2024-04-28 13:00'", "2 days 23:00:00"},
       {"timestamp '2024-04-28 13:00' - timestamp '2024-05-01 12:00'", "-2 days -23:00:00"},
       {"time '23:00' + interval '2 hours'", "01:00:00"},
       {"interval '1 day' * 2.5", "2 days 12:00:00"},
       {"interval '1 month' / 2", "15 days"},
       {"interval '1 month' = interval '30 days'", "true"},
       {"interval '25 hours' > interval '1 day'", "true"},
       {"extract(epoch from timestamp '1970-01-02 00:00:01.5')", "86401.500000"},
       {"extract(epoch from interval '1 day 01:00:00')", "90000.000000"},
       {"extract(dow from date '2024-05-05')", "0"},
       {"extract(isodow from date '2024-05-05')", "7"},
       {"extract(doy from date '2024-12-31')", "366"},
       {"extract(week from date '2021-01-03')", "53"},
       {"extract(isoyear from date '2021-01-03')", "2020"},
       {"extract(quarter from date '2024-05-05')", "2"},
       {"extract(second from timestamp '2024-05-01 12:00:07.25')", "7.250000"},
       {"extract(century from date '2001-01-01')", "21"},
       {"extract(hour from interval '30:15')", "30"},
       {"date_trunc('week', timestamp '2024-05-01 12:00')", "2024-04-29 00:00:00"},
       {"date_trunc('quarter', date '2024-05-01')", "2024-04-01 00:00:00"},
       {"date_trunc('hour', timestamp '1969-12-31 23:59:59')", "1969-12-31 23:00:00"},
       {"to_char(timestamp '2024-05-01 15:04:05.678', 'YYYY-MM-DD HH12:MI:SS.MS AM')", "2024-05-01 03:04:05.678 PM"},
       {"to_char(date '2024-05-01', 'FMMonth FMDD, YYYY')", "May 1, 2024"},
       {"to_char(date '2024-05-01', 'Day|Dy|DDD|Q|IYYY-IW')", "Wednesday|Wed|122|2|2024-18"},
       {"to_date('01 May 2024', 'DD Mon YYYY')", "2024-05-01"},
       {"to_date('5/1/24', 'MM/DD/YY')", "2024-05-01"},
       {"make_date(2024, 2, 29)", "2024-02-29"},
       {"now()", "2024-05-01 12:00:00+00"},
       {"current_date", "2024-05-01"}});
}

TEST_CASE("texts give PostgreSQL's results") {
  check_all({{"'it''s'", "it's"},
             {"E'a\\tb\\u00e9'", "a\tbé"},
             {"length('héé')", "3"},
             {"substring('hello', -1, 3)", "h"},
             {"substring('héllo' from 2 for 2)", "él"},
             {"left('héllo', -2)", "hél"},
             {"right('héllo', -1)", "éllo"},
             {"split_part('a,b,c', ',', -1)", "c"},
             {"split_part('a,b,c', ',', 4)", ""},
             {"lpad('hi', 5, 'xy')", "xyxhi"},
             {"lpad('hello', 3)", "hel"},
             {"trim(both 'x' from 'xxhixx')", "hi"},
             {"trim(leading from '  a ')", "a "},
             {"rtrim('testxxzx', 'xyz')", "test"},
             {"position('l' in 'hello')", "3"},
             {"concat('a', 1, true, null)", "a1t"},
             {"concat_ws(',', 'a', null, 2)", "a,2"},
             {"regexp_replace('foo bar', 'o', '0')", "f0o bar"},
             {"regexp_replace('foo bar', '(o+)', '<\\1>', 'g')", "f<oo> bar"},
             {"'abc' like 'a_c'", "true"},
             {"'abc' like 'a_'", "false"},
             {"'50%' like '50\\%'", "true"},
             {"'500' like '50\\%'", "false"},
             {"'50%' like '50!%' escape '!'", "true"},
             {"'aXbXc' like '%X%c'", "true"},
             {"'' like '%'", "true"},
             {"'' like '_'", "false"},
             {"'mississippi' like '%iss%ppi'", "true"},
             {"'mississippi' like '%iss%ppo'", "false"},
             {"'ÄB' ilike 'äb'", "true"},
             {"'abc' not like 'b%'", "true"},
             {"'abc' !~ '^b'", "true"},
             {"'a' < 'b'", "true"},
             {"'Z' < 'a'", "true"},
             {"'ab' < 'abc'", "true"},
             {"to_hex(-1)", "ffffffffffffffff"}});
}

TEST_CASE("comparisons give PostgreSQL's results") {
  check_all({{"1 = 1.0", "true"},
             {"'NaN'::double = 'NaN'::double", "true"},
             {"'NaN'::double > 'Infinity'::double", "true"},
             {"1 in (1.0, 2)", "true"},
             {"3 not in (1, 2)", "true"},
             {"5 between 1 and 5", "true"},
             {"5 not between 1 and 4", "true"},
             {"12345678901234567890123456789012345678 > 0.00000000000000000000000000000000000001", "true"},
             {"date '2024-05-01' = timestamp '2024-05-01 00:00'", "true"},
             {"nullif(1, 1) is null", "true"},
             {"greatest(1, null, 3)", "3"},
             {"least('b', 'a')", "a"},
             {"case 2 when 1 then 'a' when 2 then 'b' end", "b"},
             {"case when false then 1 end", "null"}});
}

TEST_CASE("columns of every type are compared and branched over") {
  const auto check = [](const std::string& type, const std::string& json, const std::string& wanted) {
    INFO(type);
    CHECK(values_of("case when a = b then 'same' when a < b then 'less' else 'else' end",
                    {{"a", type, "[" + json + "]"},
                     {"b", type,
                      "[" + json.substr(json.find(',') + 1) + "," + json.substr(0, json.find(',')) + "]"}}) == wanted);
  };
  check("smallint", "1,2", "less|else");
  check("integer", "1,null", "else|else");
  check("bigint", "3,3", "same|same");
  check("ubigint", "18446744073709551615,1", "else|less");
  check("real", "1.5,2", "less|else");
  check("double", "-1,1", "less|else");
  check("decimal(20,3)", "\"1.5\",\"2.5\"", "less|else");
  check("decimal(50,3)", "\"1.5\",\"2.5\"", "less|else");
  check("text", "\"a\",\"b\"", "less|else");
  check("bytea", "\"b\",\"a\"", "else|less");
  check("date", "1,2", "less|else");
  check("time", "1,2", "less|else");
  check("timestamp", "1,1", "same|same");
  check("timestamptz", "1,2", "less|else");
  check("boolean", "false,true", "less|else");
}

TEST_CASE("a date compares with a constant time as its midnight does") {
  const auto rows = rows_of({{"d", "date", "[-2, 19843, 19844, 19845, null]"}});
  for (const std::string time :
       {"timestamp '2024-05-01'", "timestamp '2024-05-01 00:00:01'", "timestamp '2024-04-30 23:59:59.999999'",
        "timestamp '1969-12-30'", "timestamp '1969-12-29 23:00:00'", "date '2024-07-30' - interval '90 days'"}) {
    for (const std::string op : {"=", "<>", "<", "<=", ">", ">="}) {
      INFO(op << " " << time);
      CHECK(values_of("d " + op + " " + time, rows) == values_of("d::timestamp " + op + " " + time, rows));
      CHECK(values_of(time + " " + op + " d", rows) == values_of(time + " " + op + " d::timestamp", rows));
    }
  }
  sluice::diagnostics faults;
  const auto bound =
      sluice::expression::bind("d <= date '2024-07-30' - interval '90 days'", scope_of(rows), "/x", faults);
  CHECK(bound->to_string() == "d <= '2024-05-01'::date");
}

TEST_CASE("decimals of different scales are added and subtracted exactly, whatever their size") {
  const auto rows = rows_of(
      {{"a", "decimal(30,2)",
        R"(["1.25", "-9223372036854775808.99", "92233720368547758.07", "1234567890123456789012345678.12", null])"},
       {"b", "decimal(15,5)", R"(["0.00001", "9999999999.99999", "-0.00001", "-9999999999.99999", "1"])"}});
  CHECK(values_of("a + b", rows) ==
        "1.25001|-9223372026854775808.99001|92233720368547758.06999|1234567890123456779012345678.12001|null");
  CHECK(values_of("b - a", rows) ==
        "-1.24999|9223372046854775808.98999|-92233720368547758.07001|-1234567890123456799012345678.11999|null");
  CHECK(values_of("1 - b", rows) == "0.99999|-9999999998.99999|1.00001|10000000000.99999|0.00000");
}

TEST_CASE("the run's time zone stands between timestamp and timestamptz") {
  context().timezone = "Europe/Berlin";
  check_all({{"timestamp '2024-07-01 12:00'::timestamptz", "2024-07-01 10:00:00+00"},
             {"timestamp '2024-01-01 12:00'::timestamptz", "2024-01-01 11:00:00+00"},
             {"timestamptz '2024-07-01 12:00'", "2024-07-01 10:00:00+00"},
             {"timestamptz '2024-06-30 23:00+00'::date", "2024-07-01"},
             {"timestamptz '2024-07-01 10:00+00'::timestamp", "2024-07-01 12:00:00"},
             {"extract(hour from timestamptz '2024-07-01 10:00+00')", "12"},
             {"date_trunc('day', timestamptz '2024-07-01 23:00+00')", "2024-07-01 22:00:00+00"},
             // Over the change of clocks a day is a day, 24 hours are hours.
             {"timestamptz '2024-03-30 12:00' + interval '1 day'", "2024-03-31 10:00:00+00"},
             {"timestamptz '2024-03-30 12:00' + interval '24 hours'", "2024-03-31 11:00:00+00"},
             // An hour that there was not, and one that came twice.
             {"timestamptz '2024-03-31 02:30'", "2024-03-31 01:30:00+00"},
             {"timestamptz '2024-10-27 02:30'", "2024-10-27 01:30:00+00"},
             {"date '2024-07-01'::timestamptz", "2024-06-30 22:00:00+00"}});
  context().timezone = "UTC";
}

TEST_CASE("random values differ by row and call, and come again in a replay") {
  auto rows = rows_of({{"x", "integer", "[1, 2, 3, 4]"}});
  const std::vector<std::int64_t> offsets = {10, 20, 20, 30};
  rows.positions = sluice::make_positions(4, [&](std::int64_t row) {
                     return sluice::position{0, 1, offsets[static_cast<std::size_t>(row)]};
                   }).value();
  const auto first = values_of("uuid()", rows);
  CHECK(first == values_of("uuid()", rows));
  // The same rows in other batches have the same values.
  CHECK(first.ends_with(values_of("uuid()", rows.slice(3, 1))));
  std::vector<std::string> all;
  for (std::size_t at = 0; at < first.size(); at += 37) all.push_back(first.substr(at, 36));
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  CHECK(values_of("random() = random()", rows) == "false|false|false|false");
  CHECK(values_of("random() >= 0 and random() < 1", rows) == "true|true|true|true");
}
