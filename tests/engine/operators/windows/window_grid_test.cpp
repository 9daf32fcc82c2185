#include "engine/operators/windows/window_grid.hpp"

#include "engine/values/quantities.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_parse.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <catch2/catch.hpp>

using namespace sluice;
using windows::window_grid;
using windows::window_rule;

namespace {

std::int64_t micros(const std::string& text) {
  const auto scalar = arrow::Scalar::Parse(arrow::timestamp(arrow::TimeUnit::MICRO), text).ValueOrDie();
  return static_cast<const arrow::TimestampScalar&>(*scalar).value;
}

std::string shown(std::int64_t time) {
  return arrow::TimestampScalar(time, arrow::timestamp(arrow::TimeUnit::MICRO)).ToString().substr(0, 16);
}

window_grid grid(const std::string& size, const std::string& every, const std::string& zone) {
  window_rule rule;
  rule.size = *parse_duration(size);
  rule.every = every.empty() ? rule.size : *parse_duration(every);
  rule.how = every.empty() ? window_rule::kind::tumble : window_rule::kind::hop;
  return std::move(window_grid::make(rule, zone)).value();
}

/// The windows of a time in UTC, earliest first: "begin to end".
std::vector<std::string> windows_of(window_grid& of, const std::string& utc) {
  std::vector<std::int64_t> begins;
  of.begins_of(micros(utc), begins);
  std::vector<std::string> all;
  for (auto one = begins.rbegin(); one != begins.rend(); ++one)
    all.push_back(shown(*one) + " to " + shown(of.end_of(*one)));
  return all;
}

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("tumbling windows begin at whole steps of the day, and their end is not in them") {
  auto minutes = grid("15m", "", "UTC");
  CHECK(windows_of(minutes, "2024-05-01 10:14:59") == list{"2024-05-01 10:00 to 2024-05-01 10:15"});
  CHECK(windows_of(minutes, "2024-05-01 10:15:00") == list{"2024-05-01 10:15 to 2024-05-01 10:30"});
  CHECK(windows_of(minutes, "1969-12-31 23:59:59") == list{"1969-12-31 23:45 to 1970-01-01 00:00"});
}

TEST_CASE("days are those of the zone, also where they have 23 or 25 hours") {
  auto days = grid("1d", "", "Europe/Berlin");
  CHECK(windows_of(days, "2024-05-01 21:59:00") == list{"2024-04-30 22:00 to 2024-05-01 22:00"});
  CHECK(windows_of(days, "2024-05-01 22:00:00") == list{"2024-05-01 22:00 to 2024-05-02 22:00"});
  CHECK(windows_of(days, "2024-03-31 12:00:00") == list{"2024-03-30 23:00 to 2024-03-31 22:00"});
  CHECK(windows_of(days, "2024-10-27 12:00:00") == list{"2024-10-26 22:00 to 2024-10-27 23:00"});
}

TEST_CASE("hours of a zone that is not at whole hours are its own") {
  auto hours = grid("1h", "", "Asia/Kathmandu");  // UTC+5:45
  CHECK(windows_of(hours, "2024-05-01 10:00:00") == list{"2024-05-01 09:15 to 2024-05-01 10:15"});
}

TEST_CASE("windows within a day cover a day that is longer or shorter, without overlap") {
  for (const auto* size : {"30m", "2h", "6h"}) {
    for (const auto* day : {"2024-03-31", "2024-10-27", "2024-07-01"}) {
      auto some = grid(size, "", "Europe/Berlin");
      auto days = grid("1d", "", "Europe/Berlin");
      const auto midnight = days.begin_at(micros(std::string(day) + " 12:00:00"));
      const auto next = days.end_of(midnight);
      INFO(size << " " << day);
      auto at = midnight;
      while (at < next) {
        CHECK(some.begin_at(at) == at);
        const auto end = some.end_of(at);
        CHECK(some.begin_at(end - 1) == at);
        at = end;
      }
      CHECK(at == next);
    }
  }
}

TEST_CASE("weeks begin on Monday") {
  auto weeks = grid("7d", "", "Europe/Berlin");
  CHECK(windows_of(weeks, "2024-05-01 12:00:00") == list{"2024-04-28 22:00 to 2024-05-05 22:00"});
}

TEST_CASE("steps that do not divide a day are counted from 1970, whatever the zone") {
  auto odd = grid("7m", "", "Europe/Berlin");
  CHECK(odd.begin_at(0) == 0);
  CHECK(windows_of(odd, "1970-01-01 00:13:59") == list{"1970-01-01 00:07 to 1970-01-01 00:14"});
}

TEST_CASE("a row is in every hopping window that its time is in") {
  auto hops = grid("10m", "5m", "UTC");
  CHECK(windows_of(hops, "2024-05-01 10:07:00") ==
        list{"2024-05-01 10:00 to 2024-05-01 10:10", "2024-05-01 10:05 to 2024-05-01 10:15"});
  auto week_by_day = grid("7d", "1d", "Europe/Berlin");
  CHECK(windows_of(week_by_day, "2024-10-27 12:00:00").size() == 7);
  CHECK(windows_of(week_by_day, "2024-10-27 12:00:00").front() == "2024-10-20 22:00 to 2024-10-27 23:00");
  auto uneven = grid("10m", "4m", "UTC");
  CHECK(windows_of(uneven, "1970-01-01 00:09:00") == list{"1970-01-01 00:00 to 1970-01-01 00:10",
                                                          "1970-01-01 00:04 to 1970-01-01 00:14",
                                                          "1970-01-01 00:08 to 1970-01-01 00:18"});
}
