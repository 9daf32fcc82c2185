#include "engine/store/schedules.hpp"

#include "engine/store/store_place.hpp"
#include "tests/engine/store/fresh_store.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::store;

namespace {

struct calendar {
  store::testing::fresh_store place;
  std::shared_ptr<store::store> kept = open_store(place.place()).value();
  schedule_log& log = schedules_of(*kept);

  static deployed_pipeline pipeline(const std::string& name, std::int64_t mark) {
    deployed_pipeline made;
    made.name = name;
    made.owner = "data@shop.example";
    made.submission = options{{"text", "version: 1\n"}};
    made.schedule = options{{"every", "1h"}};
    made.mark = mark;
    made.deployed = 7;
    return made;
  }
  static pending_start start(const std::string& pipeline, const std::string& key, std::int64_t next_at) {
    pending_start made;
    made.pipeline = pipeline;
    made.key = key;
    made.due = 100;
    made.reason = "every";
    made.params = options{{"day", "2024-05-01"}};
    made.next_at = next_at;
    return made;
  }
  static std::vector<event> told(const std::string& type) {
    event made;
    made.type = type;
    made.data = options{{"pipeline", "daily"}};
    return {made};
  }
  void deploy(const std::string& name, std::int64_t mark = 50) {
    auto events = told("pipeline.deployed");
    REQUIRE_FALSE(log.deploy(pipeline(name, mark), events).value());
    CHECK(events[0].cursor > 0);
  }
};

}  // namespace

TEST_CASE("a deployment keeps its place where its schedule stays the same", "[store]") {
  calendar in;
  in.deploy("daily");
  auto events = calendar::told("pipeline.deployed");
  REQUIRE(in.log.deploy(calendar::pipeline("daily", 99), events).value());
  auto kept = in.log.find("daily").value();
  REQUIRE(kept);
  CHECK((kept->mark == 50 && kept->revision == 2 && kept->owner == "data@shop.example"));
  auto other = calendar::pipeline("daily", 99);
  other.schedule = options{{"every", "2h"}};
  REQUIRE(in.log.deploy(other, events).value());
  kept = in.log.find("daily").value();
  CHECK((kept->mark == 99 && kept->cursor == 2));
  CHECK(in.log.deployed()->size() == 1);
  CHECK_FALSE(in.log.find("hourly").value());
  CHECK(in.kept->last_cursor().value() == 3);
}

TEST_CASE("a schedule is worked off by one process at a time, and not while it is paused", "[store]") {
  calendar in;
  in.deploy("daily");
  schedule_step step{.pipeline = "daily", .revision = 1, .mark = 60, .cursor = 1, .state = options{{"files", 3}}};
  step.starts = {calendar::start("daily", "daily/60", 0)};
  step.events = calendar::told("schedule.due");
  REQUIRE(in.log.step(step).value());
  CHECK(step.events[0].cursor == 2);
  CHECK_FALSE(in.log.step(step).value());  // the revision has been read by another one
  auto events = calendar::told("pipeline.paused");
  REQUIRE(in.log.pause("daily", true, 70, events).value());
  step.revision = in.log.find("daily").value()->revision;
  CHECK_FALSE(in.log.step(step).value());
  CHECK(in.log.ready(1'000)->empty());
  events = calendar::told("pipeline.resumed");
  REQUIRE(in.log.pause("daily", false, 70, events).value());
  const auto kept = in.log.find("daily").value();
  CHECK((kept->mark == 70 && kept->cursor == 3 && kept->state["files"] == 3));
  CHECK(in.log.ready(1'000)->size() == 1);
  CHECK_FALSE(in.log.pause("hourly", true, 70, events).value());
}

TEST_CASE("starts are made once, tried in order, and settled", "[store]") {
  calendar in;
  in.deploy("daily");
  in.deploy("hourly");
  CHECK(in.log.add({calendar::start("nobody", "n", 0)}).problem().code == "not_deployed");
  auto first = calendar::start("daily", "d1", 10);
  first.deadline = 500;
  auto limited = calendar::start("hourly", "b1", 0);
  limited.reason = "backfill";
  limited.batch = "b";
  limited.concurrency = 1;
  auto next = limited;
  next.key = "b2";
  CHECK(in.log.add({first, calendar::start("daily", "d2", 0), limited, next}).value() == 4);
  CHECK(in.log.add({first}).value() == 0);
  CHECK(in.log.ready(5)->size() == 1);  // d2 waits for d1
  const auto ready = in.log.ready(10).value();
  REQUIRE(ready.size() == 2);
  CHECK((ready[0].key == "d1" && ready[0].params["day"] == "2024-05-01" && ready[1].key == "b1"));
  CHECK(ready[0].run == run_of_start("d1"));
  CHECK(*in.log.next_time(5).value() == 10);
  CHECK(*in.log.next_time(10).value() == 500);

  REQUIRE(in.kept->create_run({.id = ready[1].run, .pipeline = "hourly"}, {}).value());
  CHECK(in.log.settle({.number = ready[1].number, .state = start_state::started}).ok());
  CHECK(in.log.ready(10)->size() == 1);  // the backfill has as many runs as it may have
  CHECK(in.log.overdue(499)->empty());
  REQUIRE(in.log.overdue(500)->size() == 1);
  const auto told = in.log.settle({.number = ready[0].number,
                                   .state = start_state::waiting,
                                   .judged = 2,
                                   .tries = 1,
                                   .next_at = 900,
                                   .problem = "nobody there",
                                   .events = calendar::told("deadline.missed")});
  REQUIRE(told.ok());
  CHECK(told->front().id.ends_with("/3"));
  CHECK(in.log.overdue(1'000)->empty());

  const auto starts = in.log.starts({.pipeline = "daily", .state = start_state::waiting}).value();
  REQUIRE(starts.size() == 2);
  CHECK((starts[1].problem == "nobody there" && starts[1].tries == 1 && starts[1].next_at == 900));
  CHECK(in.log.starts({.batch = "b"})->size() == 2);
  const auto standing = in.log.standings().value();
  REQUIRE(standing.size() == 2);
  CHECK((standing[0].pipeline == "daily" && standing[0].waiting == 2 && standing[0].late_deadline == 500));
  CHECK(standing[1].last_success == 0);
}

TEST_CASE("what waits of a pipeline that is removed is cancelled", "[store]") {
  calendar in;
  in.deploy("daily");
  REQUIRE(in.log.add({calendar::start("daily", "d1", 0)}).value() == 1);
  auto events = calendar::told("pipeline.deleted");
  REQUIRE(in.log.remove("daily", events).value());
  CHECK_FALSE(in.log.remove("daily", events).value());
  CHECK(in.log.starts({})->front().state == start_state::cancelled);
  CHECK(in.log.ready(1'000)->empty());
}
