#include "engine/schedule/cron.hpp"

#include "engine/values/calendar.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

using namespace sluice;
using namespace sluice::schedule;

namespace {

constexpr std::int64_t second = 1'000'000;

std::int64_t utc(int year, int month, int day, int hour = 0, int minute = 0) {
  return (days_from_civil(year, month, day) * 86'400 + hour * 3600 + minute * 60) * second;
}

/// "2024-03-31T01:00Z" of all times up to a number.
std::string times(const std::string& text, const std::string& zone_name, std::int64_t after, int count) {
  const auto made = cron::parse(text).value();
  auto zone = zone_clock::find(zone_name).value();
  std::string all;
  for (int at = 0; at < count; ++at) {
    after = made.next(after, zone).value();
    const auto day = floor_div(after, microseconds_per_day);
    const auto date = civil_from_days(day);
    char one[32];
    const auto minutes = static_cast<int>((after - day * microseconds_per_day) / second / 60);
    std::snprintf(one, sizeof one, "%02d-%02d %02d:%02d", date.month, date.day, minutes / 60, minutes % 60);
    all += (all.empty() ? "" : ", ") + std::string(one);
  }
  return all;
}

}  // namespace

TEST_CASE("a time that summer time skips runs behind the gap, one that is repeated runs once") {
  CHECK(times("30 2 * * *", "Europe/Berlin", utc(2024, 3, 29, 12), 3) == "03-30 01:30, 03-31 01:00, 04-01 00:30");
  CHECK(times("30 2 * * *", "Europe/Berlin", utc(2024, 10, 26, 12), 2) == "10-27 00:30, 10-28 01:30");
  // Both times of the gap come at its end, as one.
  CHECK(times("0,30 2 * * *", "Europe/Berlin", utc(2024, 3, 30, 12), 2) == "03-31 01:00, 04-01 00:00");
}

TEST_CASE("minutes and hours with a star go by the clock: an hour that is repeated counts twice") {
  CHECK(times("*/30 * * * *", "Europe/Berlin", utc(2024, 10, 26, 23, 45), 5) ==
        "10-27 00:00, 10-27 00:30, 10-27 01:00, 10-27 01:30, 10-27 02:00");
  CHECK(times("30 */2 * * *", "Europe/Berlin", utc(2024, 3, 30, 23), 2) == "03-30 23:30, 03-31 02:30");
}

TEST_CASE("day of month and day of week are either, unless one begins with a star") {
  CHECK(times("0 0 13 * FRI", "UTC", utc(2024, 9, 1), 4) == "09-06 00:00, 09-13 00:00, 09-20 00:00, 09-27 00:00");
  CHECK(times("0 0 */13 * 5", "UTC", utc(2024, 9, 1), 2) == "09-27 00:00, 11-01 00:00");
  CHECK(times("0 0 * * 7", "UTC", utc(2024, 9, 2), 1) == times("0 0 * * 0", "UTC", utc(2024, 9, 2), 1));
  CHECK(times("0 0 29 2 *", "UTC", utc(2025, 1, 1), 1) == "02-29 00:00");
}

TEST_CASE("what is no cron expression is refused at its place") {
  const auto fault = [](const std::string& text) { return cron::parse(text).problem(); };
  CHECK(fault("* * * *").code == "invalid_cron");
  CHECK(fault("60 * * * *").message == "minute: expected 0 to 59, found '60'");
  CHECK(*fault("0 5 * * MOO").offset == 8);
  CHECK(fault("0 5 31 2 *").message == "day of month: no month of the expression has such a day");
  for (const auto* text : {"", "a * * * *", "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "- * * * *", "@daily"})
    CHECK_FALSE(cron::parse(text).ok());
}

TEST_CASE("all zones over 20 years: the same times as cronsim") {
  std::ifstream file("tests/engine/schedule/oracle.txt");
  const auto end = utc(2035, 1, 1);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    std::istringstream parts(line);
    std::string zone_name, text, wanted;
    std::getline(parts, zone_name, '|');
    std::getline(parts, text, '|');
    std::getline(parts, wanted);
    const auto made = cron::parse(text).value();
    auto zone = zone_clock::find(zone_name).value();
    std::uint64_t sum = 0xcbf29ce484222325U;
    std::int64_t count = 0;
    for (auto at = made.next(utc(2015, 1, 1), zone); at && *at < end; at = made.next(*at, zone)) {
      sum = (sum ^ static_cast<std::uint64_t>(*at / second)) * 0x100000001b3U;
      ++count;
    }
    char found[64];
    std::snprintf(found, sizeof found, "%lld %016llx", static_cast<long long>(count),
                  static_cast<unsigned long long>(sum));
    INFO(zone_name << " " << text);
    CHECK(found == wanted);
  }
  CHECK(lines > 300);
}
