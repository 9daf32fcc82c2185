#include "engine/schedule/settings.hpp"

#include "engine/schedule/after_rule.hpp"
#include "engine/schedule/times.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::schedule;

namespace {

std::int64_t at(const std::string& text) { return parse_time(text, "UTC").value(); }

settings of_cron(const std::string& text, const std::string& zone = "UTC") {
  settings made;
  made.cron = text;
  made.timezone = zone;
  return made;
}

}  // namespace

TEST_CASE("settings are read as they were written") {
  settings of = of_cron("15 5 * * *", "Europe/Berlin");
  of.catch_up = catch_up_rule::all;
  of.deadline_minute = 360;
  const auto read = from_options(to_options(of)).value();
  CHECK(read.cron == of.cron);
  CHECK(read.timezone == of.timezone);
  CHECK(read.catch_up == of.catch_up);
  CHECK(read.deadline_minute == of.deadline_minute);
  CHECK(describe(read) == "15 5 * * * Europe/Berlin");
  settings upstream;
  upstream.after = after_settings{.pipelines = {"a", "b"}, .all = true, .same = {"day"}, .within = 5, .partial = true};
  const auto other = from_options(to_options(upstream)).value();
  REQUIRE(other.after);
  CHECK(other.after->pipelines == upstream.after->pipelines);
  CHECK(other.after->same == upstream.after->same);
  CHECK(other.after->within == upstream.after->within);
  CHECK(other.after->partial);
  CHECK(describe(other) == "after a and b");
}

TEST_CASE("a deadline is a time from the due one, or the next such time of day") {
  auto of = of_cron("15 5 * * *", "Europe/Berlin");
  const auto due = at("2024-05-01T03:15:00Z");
  CHECK(deadline_of(of, due).value() == 0);
  of.deadline_minute = 6 * 60;
  CHECK(time_text(deadline_of(of, due).value()) == "2024-05-01T04:00:00Z");
  of.deadline_minute = 5 * 60;
  CHECK(time_text(deadline_of(of, due).value()) == "2024-05-02T03:00:00Z");
  of.deadline_minute.reset();
  of.deadline = 45 * 60'000'000LL;
  CHECK(time_text(deadline_of(of, due).value()) == "2024-05-01T04:00:00Z");
}

TEST_CASE("years without a look are counted, not gone through, where only the last time counts") {
  settings of;
  of.every = 1'000'000;
  const auto found = look_at_clock(of, at("2010-01-01"), at("2024-01-01")).value();
  REQUIRE(found.due.size() == 1);
  CHECK(found.due[0] == at("2024-01-01"));
  CHECK(found.mark == at("2024-01-01"));
  CHECK(found.missed == (at("2024-01-01") - at("2010-01-01")) / 1'000'000 - 1);
  CHECK(found.first_missed == at("2010-01-01T00:00:01"));
}

TEST_CASE("all missed times come, a thousand at a time") {
  settings of;
  of.every = 1'000'000;
  of.catch_up = catch_up_rule::all;
  const auto begin = at("2024-01-01");
  auto mark = begin;
  std::size_t count = 0;
  while (true) {
    const auto found = look_at_clock(of, mark, begin + 2'500'000'000LL).value();
    if (found.due.empty()) break;
    CHECK(found.due.size() <= 1000);
    count += found.due.size();
    mark = found.mark;
  }
  CHECK(count == 2500);
}

TEST_CASE("times are read as users write them") {
  CHECK(time_text(parse_time("2024-05-01", "Europe/Berlin").value()) == "2024-04-30T22:00:00Z");
  CHECK(time_text(parse_time("2024-05-01T05:15", "Europe/Berlin").value()) == "2024-05-01T03:15:00Z");
  CHECK(time_text(parse_time("2024-05-01 05:15:07+02:00", "UTC").value()) == "2024-05-01T03:15:07Z");
  CHECK(time_text(parse_time("2024-05-01T05:15:00Z", "Europe/Berlin").value()) == "2024-05-01T05:15:00Z");
  for (const auto* wrong : {"", "2024", "2024-13-01", "2024-02-30", "2024-05-01T", "2024-05-01T25:00", "2024-05-01x",
                            "-024-05-01", "2024-05-01T05:15:00Zx", "2024-05-01T05:15+2"}) {
    INFO(wrong);
    CHECK(parse_time(wrong, "UTC").problem().code == "invalid_time");
  }
}

TEST_CASE("upstream runs that are too far apart do not belong together") {
  after_rule rule({.pipelines = {"a", "b"}, .within = 100}, {});
  CHECK(rule.take({"a", "a1", 1000, {}}).empty());
  CHECK(rule.take({"b", "b1", 1101, {}}).empty());
  const auto sets = rule.take({"a", "a2", 1201, {}});
  REQUIRE(sets.size() == 1);
  CHECK(sets[0].runs[0].run == "a2");
  CHECK(sets[0].runs[1].run == "b1");
}

TEST_CASE("the state of a rule holds open sets, and a newer run of a pipeline takes the place of the older") {
  after_rule rule({.pipelines = {"a", "b"}}, {});
  (void)rule.take({"a", "a1", 1, {}});
  after_rule other(rule.settings(), options::parse(rule.state().dump()));
  (void)other.take({"a", "a2", 2, {}});
  const auto sets = other.take({"b", "b1", 3, {}});
  REQUIRE(sets.size() == 1);
  CHECK(sets[0].runs[0].run == "a2");
  CHECK(other.take({"b", "b2", 4, {}}).empty());
}
