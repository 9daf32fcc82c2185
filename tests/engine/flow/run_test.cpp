#include "engine/flow/conservation.hpp"
#include "engine/flow/event_feed.hpp"
#include "engine/flow/progress.hpp"
#include "engine/flow/recent_rejects.hpp"
#include "engine/flow/run_states.hpp"
#include "engine/flow/split_assignment.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::flow;
using store::run_state;

namespace {

std::vector<split> list_of(std::uint32_t count) {
  std::vector<split> all;
  for (std::uint32_t id = 0; id < count; ++id) all.push_back({id, "file", 0, 10, 10});
  return all;
}

split_assignment splits(std::uint32_t count, split_assignment::rules by) {
  return split_assignment::make(list_of(count), by).value();
}

using answer = split_assignment::answer;

/// a (2 instances) -> b, 10 rows each way.
plan small_plan() {
  plan made;
  made.units.resize(2);
  made.units[0].definition.name = "a";
  made.units[0].definition.role = unit_role::extract;
  made.units[0].parallelism = 2;
  made.units[0].outputs.resize(1);
  made.units[1].definition.name = "b";
  made.units[1].definition.role = unit_role::load;
  made.edges.resize(1);
  made.edges[0].to_unit = 1;
  return made;
}

std::vector<instance_report> good_reports() {
  std::vector<instance_report> all(3);
  for (std::uint32_t i = 0; i < 2; ++i) {
    all[i].who = {0, i};
    all[i].counters = {.in = 12, .out = 10, .filtered = 1, .rejected = 1};
    all[i].port_rows = {10};
    all[i].sent = {{{0, i, 0}, 10, 0}};
  }
  all[2].who = {1, 0};
  all[2].counters = {.in = 20, .out = 20};
  all[2].received = {{{0, 0, 0}, 10, 0}, {{0, 1, 0}, 10, 0}};
  return all;
}

std::string verdict(const std::vector<instance_report>& reports) {
  balance all;
  for (const auto& report : reports) all.add(report);
  const auto done = all.verify(small_plan());
  return done.ok() ? "" : done.problem().message;
}

store::event event_at(std::int64_t cursor, const std::string& run = "r", std::int64_t sequence = 0) {
  store::event made;
  made.sequence = sequence;
  made.cursor = cursor;
  made.run = run;
  return made;
}

}  // namespace

TEST_CASE("splits are handed out in order, within a window above the lowest unfinished one") {
  auto all = splits(6, {.readers = 3, .ahead = 0});
  CHECK(all.next(0).piece->id == 0);
  CHECK(all.next(1).piece->id == 1);
  CHECK(all.next(2).piece->id == 2);
  CHECK(all.finished(2, 2, "c"));
  CHECK(all.next(2).what == answer::wait);
  CHECK(all.finished(0, 0, "a"));
  CHECK(all.next(0).piece->id == 3);
  CHECK_FALSE(all.finished(0, 1, ""));
  CHECK_FALSE(all.finished(1, 5, ""));
  REQUIRE(all.ended().size() == 2);
  CHECK(all.ended()[0].split == 2);
  CHECK(all.ended()[0].position == "c");
}

TEST_CASE("the splits of a lost reader come back first, and nobody is told of the end before they are read") {
  auto all = splits(3, {.readers = 2, .per_reader = 2, .ahead = 4});
  CHECK(all.next(0).piece->id == 0);
  CHECK(all.next(1).piece->id == 1);
  CHECK(all.next(0).piece->id == 2);
  CHECK(all.finished(1, 1, ""));
  CHECK(all.next(1).what == answer::wait);
  CHECK(all.give_back(0) == 2);
  CHECK(all.next(1).piece->id == 0);
  CHECK(all.next(1).piece->id == 2);
  CHECK(all.finished(1, 0, ""));
  CHECK(all.finished(1, 2, ""));
  CHECK(all.next(1).what == answer::none_left);
}

TEST_CASE("readers that can serve many splits get even shares, so that none starves behind another") {
  auto all = splits(12, {.readers = 4, .per_reader = 100, .bounded = false});
  for (std::uint32_t reader = 0; reader < 4; ++reader)
    for (int turn = 0; turn < 3; ++turn) CHECK(all.next(reader).what == answer::take);
  CHECK(all.next(0).what == answer::wait);
}

TEST_CASE("a source without end may come with more splits, and only behind those that it had") {
  auto all = splits(1, {.readers = 1, .bounded = false});
  CHECK(all.next(0).piece->id == 0);
  CHECK(all.finished(0, 0, ""));
  CHECK(all.next(0).what == answer::wait);
  CHECK(all.extend(list_of(3)).value() == 2);
  CHECK(all.next(0).piece->id == 1);
  CHECK(all.extend(list_of(2)).problem().code == "split_numbering");
  auto others = list_of(3);
  others[2].object = "other";
  CHECK(all.extend(others).problem().code == "split_numbering");
}

TEST_CASE("rows that come before their place in the order share a budget, and the lowest split is never held up") {
  auto all = splits(5, {.readers = 3, .early_bytes = 100});
  CHECK(all.next(0).room == split_assignment::no_limit);
  CHECK(all.next(1).room == 50);
  CHECK(all.next(2).room == 25);
  CHECK(all.room(1, 1, 51) == 63);  // and half of what is left then
  CHECK_FALSE(all.room(2, 2, 38));
  CHECK(all.room(2, 2, 37) == 37);
  CHECK_FALSE(all.room(1, 1, 64));
  CHECK_FALSE(all.room(0, 1, 10));  // another's split
  SECTION("what was not used comes back at the end of a split, the rest when its turn comes") {
    CHECK(all.finished(2, 2, "", 7));
    CHECK(all.next(2).piece->id == 3);
    CHECK(all.room(1, 1, 70) == 74);
    CHECK_FALSE(all.room(2, 3, 20));
    CHECK(all.room(2, 3, 19) == 19);
    CHECK(all.finished(0, 0, "", 1'000'000));
    CHECK(all.room(1, 1, 1'000) == split_assignment::no_limit);
    CHECK(all.room(2, 3, 93) == 93);
    CHECK(all.finished(1, 1, "", 1'000));
    CHECK(all.room(2, 3, 1'000) == split_assignment::no_limit);
  }
  SECTION("a split that its reader has lost takes nothing, and holds nobody up") {
    CHECK(all.give_back(0) == 1);
    CHECK(all.room(1, 1, 1'000) == split_assignment::no_limit);
    CHECK(all.give_back(1) == 1);
    CHECK(all.room(2, 2, 1'000) == split_assignment::no_limit);
  }
  SECTION("without an order there is no limit") {
    all.release_order();
    CHECK(all.room(2, 2, 1'000) == split_assignment::no_limit);
  }
}

TEST_CASE("splits that are not numbered from 0 are a fault of the source") {
  CHECK(split_assignment::make({{1, "file", 0, 10, 10}}, {}).problem().code == "split_numbering");
}

TEST_CASE("a balanced run is verified") { CHECK(verdict(good_reports()).empty()); }

TEST_CASE("whatever is missing is named with both numbers") {
  auto reports = good_reports();
  SECTION("in a unit") {
    reports[1].counters.filtered = 0;
    CHECK(verdict(reports) == "unit a[1]: 12 in + 0 added = 12, but 10 out + 0 filtered + 0 merged + 1 rejected = 11");
  }
  SECTION("on an edge") {
    reports[2].received[1].rows = 9;
    reports[2].counters.in = reports[2].counters.out = 19;
    CHECK(verdict(reports) == "edge a[1] -> b: 10 rows sent, but 9 received");
  }
  SECTION("between a port and its edge") {
    reports[0].sent[0].rows = 9;
    reports[2].received[0].rows = 9;
    reports[2].counters.in = reports[2].counters.out = 19;
    CHECK(verdict(reports) == "edge a[0] -> b: 10 rows made, but 9 sent");
  }
  SECTION("between arrival and work") {
    reports[2].counters.in = reports[2].counters.out = 19;
    CHECK(verdict(reports) == "unit b: 20 rows arrived, but 19 were processed");
  }
  SECTION("a whole report") {
    reports.pop_back();
    CHECK(verdict(reports) == "unit b: it reported nothing at its end");
  }
  SECTION("rows out of nothing") {
    reports[2].counters.out = 21;
    CHECK_FALSE(verdict(reports).empty());
  }
}

TEST_CASE("a unit that was stopped early may keep rows, but not make some") {
  auto reports = good_reports();
  reports[1].stopped_early = true;
  reports[1].counters.in = 15;
  CHECK(verdict(reports).empty());
  reports[1].counters.in = 11;
  CHECK_FALSE(verdict(reports).empty());
}

TEST_CASE("a run goes through its states in order and the first cause stays") {
  run_states run;
  CHECK_FALSE(run.advance(run_state::running));
  CHECK(run.advance(run_state::starting));
  CHECK(run.advance(run_state::running));
  CHECK(run.fail(user_error("first", "one")));
  CHECK_FALSE(run.fail(user_error("second", "two")));
  CHECK_FALSE(run.cancel());
  CHECK_FALSE(run.advance(run_state::draining));
  CHECK(run.cause()->code == "first");
  CHECK(run.advance(run_state::failed));
  CHECK(run.ended());
  CHECK_FALSE(run.advance(run_state::cancelled));
}

TEST_CASE("a run that has decided to commit can neither be cancelled nor fail, only be refused by a target") {
  run_states run;
  for (const auto state : {run_state::starting, run_state::running, run_state::draining}) CHECK(run.advance(state));
  run.commit_begun();
  CHECK_FALSE(run.cancel());
  CHECK_FALSE(run.fail(user_error("late", "one")));
  CHECK(run.refuse(user_error("commit_refused", "for good")));
  CHECK(run.advance(run_state::failed));
}

TEST_CASE("rejects decide between succeeded, partial and failed") {
  const rejects_rule rule{.allow = 100, .fail_above = 0.01};
  CHECK(judge_rejects(rule, 0, 0).state == run_state::succeeded);
  CHECK(judge_rejects(rule, 100, 10'000).state == run_state::succeeded);
  CHECK(judge_rejects(rule, 101, 100'000).state == run_state::partial);
  const auto failed = judge_rejects(rule, 101, 10'000);
  CHECK(failed.state == run_state::failed);
  CHECK(failed.cause->message == "101 of 10000 records were rejected (1.01 %), above rejects.fail_above of 1 %");
  CHECK(judge_rejects({}, 1, 10).state == run_state::partial);
}

TEST_CASE("a run without end is judged by the rejects of its last minutes") {
  constexpr std::int64_t minute = 60'000'000;
  const rejects_rule rule{.allow = 10, .fail_above = 0.01, .per_microseconds = 10 * minute};
  recent_rejects recent(rule);
  CHECK(recent.judge().state == run_state::succeeded);
  recent.add({.time = minute, .rejected = 20, .read = 10'000});
  CHECK(recent.judge().state == run_state::succeeded);
  CHECK(recent.exceeds_now());
  recent.add({.time = 2 * minute, .rejected = 25, .read = 20'000});
  CHECK_FALSE(recent.exceeds_now());  // it is told once
  // A checkpoint each second keeps no more than one in ten, and the last.
  for (std::int64_t second = 121; second <= 11 * 60; ++second)
    recent.add({.time = second * 1'000'000, .rejected = 25, .read = 20'000});
  CHECK(recent.samples().size() <= recent_rejects::fineness + 2);
  CHECK(recent.rejected() == 5);
  CHECK(recent.read() == 10'000);
  recent.add({.time = 13 * minute, .rejected = 25, .read = 20'000});
  CHECK(recent.rejected() == 0);
  // Another process goes on with the counts, and tells anew what has come to be too many.
  recent_rejects later(rule, recent.samples());
  CHECK(later.reached() == 13 * minute);
  later.add({.time = 14 * minute, .rejected = 36, .read = 21'200});
  CHECK(later.rejected() == 11);
  CHECK(later.exceeds_now());
  CHECK(later.judge().state == run_state::succeeded);
  later.add({.time = 14 * minute + 1, .rejected = 38, .read = 21'200});
  const auto failed = later.judge();
  CHECK(failed.state == run_state::failed);
  CHECK(failed.cause->message ==
        "13 of 1200 records of the last 10 minutes were rejected (1.08 %), above rejects.fail_above of 1 %");
}

TEST_CASE("a rate follows the counts, and what is left follows the rate") {
  progress_meter meter;
  CHECK_FALSE(meter.done_ppm());
  meter.expect(1000);
  meter.at(0, 0);
  CHECK_FALSE(meter.left());
  meter.at(1'000'000, 100);
  meter.at(2'000'000, 200);
  CHECK(meter.done_ppm() == 200'000);
  CHECK(meter.left() == 8'000'000);
  rate_meter rate;
  CHECK(rate.per_second() == 0);
  rate.at(5, 7);
  rate.at(5, 9);
  rate.at(1'000'005, 57);
  CHECK(rate.per_second() == 50);
}

TEST_CASE("a subscriber gets every event once, whether from the queue or from the Store") {
  event_feed feed(2, "", 3);
  CHECK(feed.next() == event_feed::step::read);
  feed.reading();
  feed.written({event_at(5)});
  CHECK(feed.next() == event_feed::step::nothing);
  CHECK(feed.read({event_at(3), event_at(4)}, 10).size() == 2);
  CHECK(feed.next() == event_feed::step::nothing);
  feed.seen();
  CHECK(feed.next() == event_feed::step::deliver);
  CHECK(feed.take().size() == 1);
  feed.seen();
  CHECK(feed.next() == event_feed::step::nothing);
  feed.written({event_at(6), event_at(7)});
  CHECK(feed.next() == event_feed::step::deliver);
  CHECK(feed.take().size() == 2);
  feed.written({event_at(8), event_at(9), event_at(10), event_at(11)});
  CHECK(feed.next() == event_feed::step::nothing);
  feed.seen();
  CHECK(feed.next() == event_feed::step::read);
  CHECK(feed.at() == 7);
}

TEST_CASE("a feed of one run is not kept busy by the others") {
  event_feed feed(0, "r");
  feed.reading();
  feed.written({event_at(1, "other")});
  CHECK(feed.read({}, 10).empty());
  CHECK(feed.next() == event_feed::step::nothing);
  feed.written({event_at(2, "other"), event_at(3, "r", 1)});
  CHECK(feed.take().size() == 1);
}

TEST_CASE("news in another order than that of the commits are put in order, and what is missing is read") {
  event_feed feed(0, "");
  feed.reading();
  CHECK(feed.read({}, 10).empty());
  feed.written({event_at(2), event_at(3)});
  CHECK(feed.next() == event_feed::step::read);  // 1 is another process's, or on its way
  feed.written({event_at(1)});
  CHECK(feed.next() == event_feed::step::deliver);
  CHECK(feed.take().size() == 3);
  feed.seen();
  feed.written({event_at(5)});
  CHECK(feed.next() == event_feed::step::read);
  feed.reading();
  feed.written({event_at(6)});
  CHECK(feed.read({event_at(4), event_at(5)}, 10).size() == 2);
  feed.seen();
  CHECK(feed.next() == event_feed::step::deliver);
  CHECK(feed.take().front().cursor == 6);
}

TEST_CASE("what other processes write is read when it is heard of, once") {
  event_feed all(7, "");
  event_feed one(7, "r");
  for (auto* feed : {&all, &one}) {
    feed->reading();
    CHECK(feed->read({}, 10).empty());
    feed->newest(7);
    CHECK(feed->next() == event_feed::step::nothing);
    feed->newest(9);
    CHECK(feed->next() == event_feed::step::read);
    feed->reading();
    CHECK(feed->read({event_at(9, "r", 3)}, 10).size() == 1);
    feed->seen();
    feed->newest(9);
    CHECK(feed->next() == event_feed::step::nothing);
  }
  // A run's own numbers show a gap that other runs' cursors hide.
  one.written({event_at(20, "r", 5)});
  CHECK(one.next() == event_feed::step::read);
  one.written({event_at(15, "r", 4)});
  CHECK(one.next() == event_feed::step::deliver);
  CHECK(one.take().size() == 2);
}
