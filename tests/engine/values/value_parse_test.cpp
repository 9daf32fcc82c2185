#include "engine/values/value_parse.hpp"

#include "engine/values/time_zone.hpp"

#include <arrow/util/decimal.h>
#include <catch2/catch.hpp>

using namespace sluice;

namespace {

std::string decimal(const std::string& text, int precision = 10, int scale = 2) {
  int128 value = 0;
  const auto outcome = parse_decimal(text, precision, scale, value);
  if (outcome != parsed::good) return outcome == parsed::malformed ? "malformed" : "out of range";
  char out[longest_value];
  return {out, write_decimal(out, value, scale)};
}

template <class T>
std::string number(const std::string& text) {
  T value{};
  const auto outcome = parse_value(text, value);
  if (outcome != parsed::good) return outcome == parsed::malformed ? "malformed" : "out of range";
  return std::to_string(value);
}

}  // namespace

TEST_CASE("integers are read whole or not at all") {
  CHECK(number<std::int16_t>("32767") == "32767");
  CHECK(number<std::int16_t>("32768") == "out of range");
  CHECK(number<std::int64_t>("-9223372036854775808") == "-9223372036854775808");
  CHECK(number<std::uint64_t>("18446744073709551615") == "18446744073709551615");
  CHECK(number<std::uint64_t>("-1") == "out of range");
  CHECK(number<std::uint64_t>("-0") == "0");
  CHECK(number<std::int32_t>(" +5 ") == "5");
  for (const char* bad : {"", " ", "+", "-", "1.0", "1e3", "1 2", "0x1", "1_0", "+-1", "--1", "é"})
    CHECK(number<std::int32_t>(bad) == "malformed");
}

TEST_CASE("doubles are exact, and what a double can't hold is refused") {
  double value = 0;
  CHECK(parse_value("0.1", value) == parsed::good);
  CHECK(value == 0.1);
  CHECK(parse_value("-1.7976931348623157e308", value) == parsed::good);
  CHECK(parse_value("1e309", value) == parsed::out_of_range);
  CHECK(parse_value("1e-400", value) == parsed::out_of_range);
  CHECK(parse_value("0e-400", value) == parsed::good);
  CHECK(parse_value("-Infinity", value) == parsed::good);
  for (const char* bad : {"", ".", "e5", "1.2.3", "1,5", "0x1p3", "+-1", "1e"})
    CHECK(parse_value(bad, value) == parsed::malformed);
}

TEST_CASE("decimals that must be exact lose no digit but zeros, up to 76 of them") {
  const auto exact = [](const std::string& text, int precision, int scale) {
    wide_words value{};
    const auto outcome = parse_exact_decimal(text, precision, scale, value);
    if (outcome != parsed::good) return std::string(outcome == parsed::malformed ? "malformed" : "out of range");
    return arrow::Decimal256(arrow::Decimal256::LittleEndianArray, value).ToString(scale);
  };
  const std::string zeros(90, '0');
  const std::string nines(76, '9');
  CHECK(exact("-12.50", 4, 1) == "-12.5");
  CHECK(exact("12.51", 4, 1) == "out of range");
  CHECK(exact("1." + zeros, 4, 1) == "1.0");
  CHECK(exact(zeros + "1.5", 4, 1) == "1.5");
  CHECK(exact("0." + zeros + "1", 76, 76) == "out of range");
  CHECK(exact(nines, 76, 0) == nines);
  CHECK(exact("-" + nines, 76, 0) == "-" + nines);
  CHECK(exact("1" + std::string(76, '0'), 76, 0) == "out of range");
  CHECK(exact("12345e-3", 10, 3) == "12.345");
  CHECK(exact("5e3", 10, -3 + 3) == "5000");
  CHECK(exact("-0", 10, 2) == "0.00");
  for (const char* bad : {"", ".", "-", "1.2.3", "1e", "1 000", "NaN"}) CHECK(exact(bad, 50, 10) == "malformed");
}

TEST_CASE("decimals round half away from zero and keep within their digits") {
  CHECK(decimal("1.005") == "1.01");
  CHECK(decimal("-1.005") == "-1.01");
  CHECK(decimal("1.0049999999999999999999999999999999999999999999999") == "1.00");
  CHECK(decimal("99999999.99") == "99999999.99");
  CHECK(decimal("99999999.995") == "out of range");
  CHECK(decimal("100000000") == "out of range");
  CHECK(decimal("0000000000000000000000000000000000000000000001.5") == "1.50");
  CHECK(decimal("1e-3") == "0.00");
  CHECK(decimal("5e-3") == "0.01");
  CHECK(decimal("12.5e2") == "1250.00");
  CHECK(decimal("1e99999") == "out of range");
  CHECK(decimal("0e99999") == "0.00");
  CHECK(decimal("99999999999999999999999999999999999999", 38, 0) == "99999999999999999999999999999999999999");
  for (const char* bad : {"", ".", "-", "1.2.3", "1e", "e1", "1e+", "1 000", "NaN"}) CHECK(decimal(bad) == "malformed");
}

TEST_CASE("only real dates and times are read") {
  std::int32_t day = 0;
  CHECK(parse_date("2024-02-29", day) == parsed::good);
  CHECK(day == 19782);
  CHECK(parse_date("2023-02-29", day) == parsed::out_of_range);
  CHECK(parse_date("2024-00-10", day) == parsed::out_of_range);
  for (const char* bad : {"24-01-01", "2024-01-01x", "2024-01", "2024/01/01", "2024-001-01", ""})
    CHECK(parse_date(bad, day) == parsed::malformed);
  std::int64_t time = 0;
  CHECK(parse_time("24:00:00", time) == parsed::good);
  CHECK(parse_time("24:00:01", time) == parsed::out_of_range);
  CHECK(parse_time("12:60", time) == parsed::out_of_range);
  CHECK(parse_time("12", time) == parsed::malformed);
}

TEST_CASE("a zone that does not exist is an error that says so") {
  CHECK(zone_clock::find("Europe/Berlino").problem().code == "unknown_timezone");
  auto clock = std::move(zone_clock::find("America/New_York")).value();
  for (std::int64_t hour = 473'000; hour < 473'000 + 9'000; ++hour) {
    const auto utc = hour * 3'600'000'000;
    const auto local = clock.to_local(utc);
    const auto back = clock.to_utc(local);
    REQUIRE((back == utc || clock.to_local(back) == local));
  }
}
