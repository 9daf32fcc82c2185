#include "engine/notify/rule.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::notify;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;

/// A rule at work: events come, time passes, messages are counted.
struct desk {
  rule_settings settings;
  rule at_work;
  std::int64_t now = 1'000'000 * second;
  std::int64_t cursor = 0;
  std::set<std::string> acknowledged = {};

  explicit desk(rule_settings how) : settings(std::move(how)), at_work(settings, {}) {}

  store::event event(const std::string& type, const std::string& code = "", const std::string& pipeline = "daily") {
    store::event made;
    made.cursor = ++cursor;
    made.run = "run-" + std::to_string(cursor);
    made.id = made.run + "/1";
    made.type = type;
    made.time = now;
    made.pipeline = pipeline;
    made.data = options::object();
    if (!code.empty()) made.data["cause"] = options{{"code", code}, {"message", "no " + code}};
    return made;
  }
  std::vector<made_message> take(const store::event& what, bool matches = true) {
    at_work.take(what, matches, now);
    return at_work.take_messages();
  }
  std::vector<made_message> pass(std::int64_t time, bool close = false) {
    now += time;
    at_work.pass(now, acknowledged, close);
    return at_work.take_messages();
  }
  /// Another process goes on with what was kept.
  void restart() { at_work = rule(settings, options::parse(at_work.state().dump())); }
};

rule_settings alerts() {
  rule_settings how;
  how.subscription = "daily/oncall";
  how.to = {"pager", "mail"};
  how.resolved = true;
  return how;
}

std::vector<std::string> kinds(const std::vector<made_message>& all) {
  std::vector<std::string> made;
  for (const auto& one : all) made.push_back(one.what.kind);
  return made;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("a plain rule makes one message an event, with the event's id and its run as the lane") {
  rule_settings how;
  how.to = {"pager", "mail"};
  desk one(how);
  const auto event = one.event("run.failed");
  const auto made = one.take(event);
  REQUIRE(made.size() == 1);
  CHECK(made[0].channels == names{"pager", "mail"});
  CHECK(made[0].what.key == event.id);
  CHECK(made[0].what.lane == event.run);
  CHECK(one.take(one.event("run.started"), false).empty());
  CHECK_FALSE(one.at_work.next());
}

TEST_CASE("with order: any no message waits for another") {
  rule_settings how;
  how.to = {"pager"};
  how.any_order = true;
  desk one(how);
  const auto event = one.event("run.failed");
  CHECK(one.take(event)[0].what.lane == event.id);
}

TEST_CASE("a burst is one message with counts, the first events and the causes") {
  rule_settings how;
  how.subscription = "daily/oncall";
  how.to = {"pager"};
  how.group = grouping{.by = {"pipeline"}, .wait = 30 * second, .every = 5 * minute, .most = 10};
  desk one(how);
  for (int at = 0; at < 10'000; ++at)
    CHECK(one.take(one.event("run.failed", at % 10 == 0 ? "disk_full" : "timeout")).empty());
  CHECK(*one.at_work.next() == one.now + 30 * second);
  CHECK(one.pass(29 * second).empty());
  one.restart();
  const auto made = one.pass(second);
  REQUIRE(made.size() == 1);
  CHECK(made[0].what.body["count"] == 10'000);
  CHECK(made[0].what.body["cursors"].size() == 10);
  CHECK(made[0].what.body["types"].dump() == R"({"run.failed":10000})");
  CHECK(made[0].what.body["causes"].dump() == R"({"disk_full: no disk_full":1000,"timeout: no timeout":9000})");

  SECTION("the next message comes `every` later, at the earliest") {
    (void)one.take(one.event("run.failed", "timeout"));
    CHECK(one.pass(minute).empty());
    const auto next = one.pass(4 * minute);
    REQUIRE(next.size() == 1);
    CHECK(next[0].what.body["count"] == 1);
    CHECK(next[0].what.key != made[0].what.key);
  }
  SECTION("other pipelines have a message of their own") {
    (void)one.take(one.event("run.failed", "timeout", "hourly"));
    CHECK(one.pass(30 * second).size() == 1);
  }
  SECTION("a process that ends sends what it has") {
    (void)one.take(one.event("run.failed", "timeout"));
    CHECK(one.pass(0, true).size() == 1);
  }
}

TEST_CASE("causes of a group are counted one by one up to a bound") {
  rule_settings how;
  how.to = {"pager"};
  how.group = grouping{};
  desk one(how);
  for (int at = 0; at < 1000; ++at) (void)one.take(one.event("run.failed", "code" + std::to_string(at)));
  const auto made = one.pass(30 * second);
  CHECK(made[0].what.body["causes"].size() == 21);
  CHECK(made[0].what.body["causes"]["other"] == 980);
}

TEST_CASE("an episode of failures is one alert, and its end is told once on the same channels") {
  desk one(alerts());
  const auto first = one.take(one.event("run.failed", "disk_full"));
  REQUIRE(kinds(first) == names{"event"});
  const auto id = first[0].what.body["alert"];
  CHECK(one.take(one.event("run.failed", "disk_full")).empty());
  one.restart();
  CHECK(one.take(one.event("run.failed", "disk_full")).empty());
  const auto end = one.take(one.event("run.succeeded"), false);
  REQUIRE(kinds(end) == names{"resolved"});
  CHECK(end[0].channels == names{"pager", "mail"});
  CHECK(end[0].what.body["alert"] == id);
  CHECK(end[0].what.body["count"] == 3);
  CHECK(end[0].what.lane == first[0].what.lane);
  CHECK(one.take(one.event("run.succeeded"), false).empty());
  // The next failure is another episode.
  const auto again = one.take(one.event("run.failed", "disk_full"));
  REQUIRE(kinds(again) == names{"event"});
  CHECK(again[0].what.body["alert"].text() != id.text());
}

TEST_CASE("another cause, unit or pipeline is another alert") {
  desk one(alerts());
  CHECK(one.take(one.event("run.failed", "disk_full")).size() == 1);
  CHECK(one.take(one.event("run.failed", "timeout")).size() == 1);
  CHECK(one.take(one.event("run.failed", "disk_full", "hourly")).size() == 1);
  // Only what concerns the pipeline is over.
  CHECK(one.take(one.event("run.succeeded", "", "hourly"), false).size() == 1);
  CHECK(one.take(one.event("run.succeeded"), false).size() == 2);
}

TEST_CASE("what is over before anybody heard of it is told to nobody: no resolved without an alert") {
  auto how = alerts();
  how.group = grouping{.by = {"pipeline"}};
  desk one(how);
  CHECK(one.take(one.event("run.failed", "disk_full")).empty());
  (void)one.pass(10 * second);
  one.restart();
  CHECK(one.take(one.event("run.succeeded"), false).empty());
  CHECK(one.pass(hour).empty());
}

TEST_CASE("a group that was sent is resolved in its lane") {
  auto how = alerts();
  how.group = grouping{.by = {"pipeline"}};
  desk one(how);
  (void)one.take(one.event("run.failed", "disk_full"));
  const auto sent = one.pass(30 * second);
  REQUIRE(kinds(sent) == names{"group"});
  CHECK(sent[0].what.body["alerts"].size() == 1);
  const auto end = one.take(one.event("run.succeeded"), false);
  REQUIRE(kinds(end) == names{"resolved"});
  CHECK(end[0].what.lane == sent[0].what.lane);
}

TEST_CASE("an open alert is repeated, until somebody acknowledges it or it is over") {
  auto how = alerts();
  how.repeat = 4 * hour;
  desk one(how);
  const auto first = one.take(one.event("run.failed", "disk_full"));
  CHECK(one.pass(4 * hour - second).empty());
  CHECK(kinds(one.pass(second)) == names{"reminder"});
  // Nobody was there for a day: one reminder, not six.
  CHECK(kinds(one.pass(24 * hour)) == names{"reminder"});
  one.acknowledged = {first[0].what.body["alert"].text()};
  CHECK(one.pass(24 * hour).empty());
  CHECK_FALSE(one.at_work.next());
  CHECK(kinds(one.take(one.event("run.succeeded"), false)) == names{"resolved"});
}

TEST_CASE("an alert that nobody acknowledges is told to others, step by step, and these hear of its end") {
  auto how = alerts();
  how.escalate = {{.after = 15 * minute, .to = {"boss"}}, {.after = hour, .to = {"director"}}};
  desk one(how);
  (void)one.take(one.event("run.failed", "disk_full"));
  CHECK(one.pass(14 * minute).empty());
  one.restart();
  const auto up = one.pass(minute);
  REQUIRE(kinds(up) == names{"escalation"});
  CHECK(up[0].channels == names{"boss"});
  CHECK(one.pass(minute).empty());
  const auto end = one.take(one.event("run.succeeded"), false);
  REQUIRE(kinds(end) == names{"resolved"});
  CHECK(end[0].channels == names{"pager", "mail", "boss"});
  CHECK(one.pass(2 * hour).empty());
}

TEST_CASE("trouble with a channel is told on the others") {
  rule_settings how;
  how.to = {"pager", "mail"};
  desk one(how);
  auto event = one.event("channel.failing");
  event.run.clear();
  event.data["channel"] = "pager";
  const auto made = one.take(event);
  REQUIRE(made.size() == 1);
  CHECK(made[0].channels == names{"mail"});
}

TEST_CASE("the same events at the same times give the same ids in another process") {
  const auto ids = [] {
    auto how = alerts();
    how.group = grouping{.by = {"pipeline"}};
    how.repeat = hour;
    desk one(how);
    (void)one.take(one.event("run.failed", "disk_full"));
    auto made = one.pass(30 * second);
    for (auto& each : one.pass(hour)) made.push_back(each);
    for (auto& each : one.take(one.event("run.succeeded"), false)) made.push_back(each);
    names all;
    for (const auto& each : made) all.push_back(each.what.key);
    return all;
  };
  const auto first = ids();
  CHECK(first.size() == 3);
  CHECK(first == ids());
  for (const auto& id : first) CHECK(id.find('.') == std::string::npos);
}

TEST_CASE("a heartbeat is told at once and in its interval, and what was missed is not made up") {
  rule_settings how;
  how.subscription = "*/alive";
  how.to = {"outside"};
  how.heartbeat = 5 * minute;
  desk in(how);
  const auto first = in.pass(0);
  REQUIRE(kinds(first) == std::vector<std::string>{"heartbeat"});
  CHECK(first.front().channels == std::vector<std::string>{"outside"});
  CHECK(in.at_work.next() == in.now + 5 * minute);
  CHECK(in.pass(4 * minute).empty());
  CHECK(in.pass(minute).size() == 1);
  in.restart();
  CHECK(in.pass(minute).empty());
  CHECK(in.pass(hour).size() == 1);
  // A process that ends is no sign of life.
  CHECK(in.pass(hour, true).empty());
}
