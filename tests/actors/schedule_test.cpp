// Schedules in virtual time: the real scheduler and Store, runs that the test plays.
#include "actors/messages.hpp"
#include "actors/notifier.hpp"
#include "actors/schedule/scheduler.hpp"
#include "engine/schedule/times.hpp"
#include "engine/store/schedules.hpp"
#include "tests/actors/virtual_time.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;

using texts = std::vector<std::string>;

/// A node that follows schedules; what it starts are runs in the Store that end when the test says so.
struct node_of {
  virtual_time time;
  std::shared_ptr<store::store> store = store::open_sqlite(":memory:").value();
  std::chrono::steady_clock::time_point began = time.now();
  std::int64_t begin = schedule::parse_time("2024-05-01T00:00:30Z", "UTC").value();
  std::int64_t jumped = 0;  ///< how far the wall clock was put on, beside the time that passed
  caf::actor notifier;
  caf::actor scheduler;
  probe desk{time};
  std::vector<std::string> asked;  ///< pipeline and due time of each call, the repeated ones too
  std::map<std::string, error> refusals;
  /// Asked before the run is made and behind it; true: the process dies there.
  std::function<bool()> dies_before = [] { return false; };
  std::function<bool()> dies_behind = [] { return false; };
  bool dead = false;

  explicit node_of(const std::string& first = {}) {
    if (!first.empty()) begin = schedule::parse_time(first, "UTC").value();
    store->enroll(store::this_process("here"));
    start();
  }
  void start() {
    dead = false;
    notifier = time.keep(spawn_notifier(time.system(), store, time.services()));
    scheduler = time.keep(spawn_scheduler(time.system(), {.services = time.services(),
                                                          .store = store,
                                                          .notifier = notifier,
                                                          .start = [this](const auto& what) { return run(what); },
                                                          .now = [this] { return now(); },
                                                          .log = {},
                                                          .look_interval = 1min}));
    time.settle();
  }
  /// The process dies with all that was not durable.
  void kill() {
    time.calls().forget();
    time.kill(scheduler);
    time.kill(notifier);
    time.stalled = true;
    time.settle();
    time.calls().forget();
    time.stalled = false;
  }
  void crash() {
    kill();
    start();
  }
  [[nodiscard]] std::int64_t now() {
    return begin + jumped + std::chrono::duration_cast<std::chrono::microseconds>(time.now() - began).count();
  }
  status run(const store::pending_start& what) {
    if (dead) return external_error("shutting_down", "dead", "", true);
    asked.push_back(what.pipeline + " " + schedule::time_text(what.due));
    if (dies_before()) return dead = true, external_error("shutting_down", "dead", "", true);
    if (const auto refusal = refusals.find(what.pipeline); refusal != refusals.end()) return refusal->second;
    store::run_record record;
    record.id = what.run;
    record.pipeline = what.pipeline;
    record.context = options{{"params", what.params}};
    const auto made = store->create_run(record, {store::event{.run = what.run, .type = "run.queued"}});
    if (!made.ok()) return made.problem();
    if (dies_behind()) return dead = true, external_error("shutting_down", "dead", "", true);
    return {};
  }
  void deploy(const std::string& name, const schedule::settings& of) {
    store::deployed_pipeline made;
    made.name = name;
    made.schedule = schedule::to_options(of);
    made.submission = options{{"text", "..."}, {"base_folder", "/"}};
    made.deployed = made.mark = now();
    std::vector<store::event> events;
    REQUIRE(store::schedules_of(*store).deploy(made, events).ok());
    look();
  }
  void look() {
    desk.send(scheduler, look_at_schedules{});
    time.settle();
  }
  /// A run that something else than a schedule has made.
  void make(const std::string& id, const std::string& pipeline, const options& params = options::object()) {
    store::run_record record;
    record.id = id;
    record.pipeline = pipeline;
    record.context = options{{"params", params}};
    REQUIRE(store->create_run(record, {}).ok());
  }
  void end(const std::string& id, store::run_state as = store::run_state::succeeded, bool drained = false) {
    store::change change;
    change.run = id;
    change.state = as;
    if (drained) change.events.push_back({.run = id, .type = "run.drained"});
    change.events.push_back({.run = id, .type = "run." + store::to_string(as), .time = now()});
    desk.send(notifier, events_written{store->apply(change).value()});
    time.pass(2s);
  }
  /// Due times of a pipeline's runs in the Store, oldest first.
  texts runs(const std::string& pipeline) {
    texts all;
    const auto starts = store::schedules_of(*store).starts({.pipeline = pipeline, .limit = 10'000}).value();
    for (const auto& one : starts) {
      const auto run = store->find_run(one.run);
      CHECK((one.state == store::start_state::started) == run.ok());
      if (run.ok()) all.push_back(schedule::time_text(one.due).substr(5, 11));
    }
    std::reverse(all.begin(), all.end());
    return all;
  }
  texts events() {
    texts all;
    const auto found = store->events(0, "", 100'000).value();
    for (const auto& one : found)
      if (one.run.empty()) all.push_back(one.type);
    return all;
  }
};

schedule::settings daily(const std::string& zone = "Europe/Berlin") {
  schedule::settings made;
  made.cron = "15 5 * * *";
  made.timezone = zone;
  return made;
}

schedule::settings after(std::vector<std::string> pipelines, bool all = true) {
  schedule::settings made;
  made.after = schedule::after_settings{.pipelines = std::move(pipelines), .all = all};
  return made;
}

}  // namespace

TEST_CASE("a cron starts a run at each of its times, in its time zone") {
  node_of in;
  in.deploy("daily", daily());
  in.time.pass(3h + 14min);
  CHECK(in.runs("daily").empty());
  in.time.pass(1min);
  CHECK(in.runs("daily") == texts{"05-01T03:15"});
  in.time.pass(48h);
  CHECK(in.runs("daily") == texts{"05-01T03:15", "05-02T03:15", "05-03T03:15"});
  CHECK(in.asked.size() == 3);
}

TEST_CASE("an interval starts runs at multiples of itself, whenever it was deployed") {
  node_of in;
  schedule::settings every;
  every.every = 15 * minute;
  in.deploy("often", every);
  in.time.pass(1h);
  CHECK(in.runs("often") == texts{"05-01T00:15", "05-01T00:30", "05-01T00:45", "05-01T01:00"});
}

TEST_CASE("a clock that is put back starts nothing twice, one that is put on misses nothing") {
  node_of in;
  auto of = daily("UTC");
  of.catch_up = schedule::catch_up_rule::all;
  in.deploy("daily", of);
  in.time.pass(6h);
  CHECK(in.runs("daily") == texts{"05-01T05:15"});
  in.jumped = -3 * hour;
  in.time.pass(4h);
  CHECK(in.runs("daily") == texts{"05-01T05:15"});
  in.jumped = 47 * hour;
  in.time.pass(1min);
  CHECK(in.runs("daily") == texts{"05-01T05:15", "05-02T05:15", "05-03T05:15"});
}

TEST_CASE("catch_up says what becomes of times that passed while the node was down") {
  const auto rule =
      GENERATE(schedule::catch_up_rule::none, schedule::catch_up_rule::last, schedule::catch_up_rule::all);
  node_of in;
  auto of = daily("UTC");
  of.catch_up = rule;
  in.deploy("daily", of);
  in.time.pass(6h);
  in.kill();
  in.time.pass(72h);
  in.start();
  in.time.pass(2s);
  if (rule == schedule::catch_up_rule::all)
    CHECK(in.runs("daily") == texts{"05-01T05:15", "05-02T05:15", "05-03T05:15", "05-04T05:15"});
  if (rule == schedule::catch_up_rule::last) CHECK(in.runs("daily") == texts{"05-01T05:15", "05-04T05:15"});
  if (rule == schedule::catch_up_rule::none) CHECK(in.runs("daily") == texts{"05-01T05:15"});
  const auto told = in.events();
  const auto missed = std::count(told.begin(), told.end(), "schedule.missed");
  CHECK(missed == (rule == schedule::catch_up_rule::all ? 0 : 1));
}

TEST_CASE("a process that dies anywhere loses no run and starts none twice") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U);
  node_of in;
  std::mt19937_64 dice(seed);
  schedule::settings every;
  every.every = minute;
  every.catch_up = schedule::catch_up_rule::all;
  in.deploy("often", every);
  in.dies_before = [&] { return dice() % 4 == 0; };
  in.dies_behind = [&] { return dice() % 4 == 0; };
  for (int at = 0; at < 120; ++at) {
    in.time.pass(std::chrono::milliseconds(dice() % 90'000));
    if (in.dead || dice() % 5 == 0) in.crash();
  }
  in.dies_before = in.dies_behind = [] { return false; };
  in.crash();
  in.time.pass(5min);
  const auto found = in.runs("often");
  const auto minutes = static_cast<std::size_t>((in.now() / minute) - (in.begin / minute));
  CHECK(found.size() == minutes);
  CHECK(std::adjacent_find(found.begin(), found.end(), std::greater_equal<>()) == found.end());
}

TEST_CASE("two nodes on one Store start each run once") {
  node_of in;
  auto other = in.time.keep(spawn_scheduler(in.time.system(), {.services = in.time.services("other"),
                                                               .store = in.store,
                                                               .notifier = in.notifier,
                                                               .start = [&](const auto& what) { return in.run(what); },
                                                               .now = [&] { return in.now(); },
                                                               .log = {},
                                                               .look_interval = 1min}));
  schedule::settings every;
  every.every = minute;
  in.deploy("often", every);
  in.time.pass(20min);
  CHECK(in.runs("often").size() == 20);
  CHECK(in.store->runs({.limit = 1000}).value().size() == 20);
}

TEST_CASE("a paused pipeline starts nothing, also not later, but by hand") {
  node_of in;
  in.deploy("daily", daily("UTC"));
  std::vector<store::event> events;
  REQUIRE(store::schedules_of(*in.store).pause("daily", true, in.now(), events).value());
  in.time.pass(30h);
  CHECK(in.runs("daily").empty());
  store::pending_start by_hand{.pipeline = "daily", .key = "by hand", .due = in.now(), .reason = "trigger"};
  REQUIRE(store::schedules_of(*in.store).add({by_hand}).value() == 1);
  in.look();
  CHECK(in.runs("daily").size() == 1);
  REQUIRE(store::schedules_of(*in.store).pause("daily", false, in.now(), events).value());
  in.time.pass(1h);
  CHECK(in.runs("daily").size() == 1);
  in.time.pass(24h);
  CHECK(in.runs("daily").size() == 2);
}

TEST_CASE("a run that can't be planned is told as rejected, one that is in another's way as skipped") {
  node_of in;
  in.refusals["daily"] = user_error("unknown_column", "there is no column x", "did you mean y?");
  in.refusals["other"] = user_error("already_running", "the pipeline other is running");
  in.deploy("daily", daily("UTC"));
  in.deploy("other", daily("UTC"));
  in.time.pass(6h);
  CHECK(in.asked.size() == 2);
  CHECK(in.events() == texts{"pipeline.rejected", "run.skipped"});
  const auto starts = store::schedules_of(*in.store).starts({.pipeline = "daily"}).value();
  REQUIRE(starts.size() == 1);
  CHECK(starts[0].state == store::start_state::rejected);
  CHECK(starts[0].problem == "there is no column x");
}

TEST_CASE("what may pass is tried again, with a growing pause") {
  node_of in;
  in.refusals["daily"] = external_error("cannot_connect", "the server does not answer", "", true);
  in.deploy("daily", daily("UTC"));
  in.time.pass(5h + 15min);
  CHECK(in.asked.size() >= 4);
  CHECK(in.asked.size() <= 6);
  in.refusals.clear();
  in.time.pass(1min);
  CHECK(in.runs("daily") == texts{"05-01T05:15"});
  CHECK(in.events().empty());
}

TEST_CASE("a deadline is judged from what the Store has") {
  // The Store notes the end of a run by the machine's clock, which is before the deadline here.
  node_of in("2124-05-01T00:00:30Z");
  auto of = daily("UTC");
  of.deadline = 45 * minute;
  in.deploy("daily", of);
  in.time.pass(5h + 16min);
  const auto first = store::schedules_of(*in.store).starts({}).value().at(0).run;

  SECTION("a run that succeeds in time is not late") {
    in.end(first);
    in.time.pass(2h);
    CHECK(in.events().empty());
  }
  SECTION("nor is it where the node was down at the deadline") {
    in.end(first);
    in.kill();
    in.time.pass(2h);
    in.start();
    in.time.pass(2s);
    CHECK(in.events().empty());
  }
  SECTION("a run that goes on at its deadline is late, once") {
    in.time.pass(43min);
    CHECK(in.events().empty());
    in.time.pass(1min);
    CHECK(in.events() == texts{"run.late"});
    in.crash();
    in.time.pass(1h);
    CHECK(in.events() == texts{"run.late"});
    const auto standing = store::schedules_of(*in.store).standings().value().at(0);
    CHECK(schedule::time_text(standing.late_due) == "2124-05-01T05:15:00Z");
  }
  SECTION("a run that succeeded too late is late") {
    node_of past;
    past.deploy("daily", of);
    past.time.pass(5h + 16min);
    past.end(store::schedules_of(*past.store).starts({}).value().at(0).run);
    past.time.pass(1h);
    CHECK(past.events() == texts{"run.late"});
  }
  SECTION("a run that fails is late at the deadline") {
    in.end(first, store::run_state::failed);
    in.time.pass(1h);
    CHECK(in.events() == texts{"run.late"});
  }
}

TEST_CASE("each set of upstream runs starts one run") {
  node_of in;
  in.deploy("mart", after({"orders", "customers"}));
  in.make("o1", "orders");
  in.make("c1", "customers");
  in.end("o1");
  CHECK(in.runs("mart").empty());
  in.end("c1");
  REQUIRE(in.runs("mart").size() == 1);
  const auto start = store::schedules_of(*in.store).starts({}).value().at(0);
  CHECK(start.parents.dump() == R"([{"pipeline":"orders","run":"o1"},{"pipeline":"customers","run":"c1"}])");
  // The same runs start nothing again, whoever looks.
  in.crash();
  in.time.pass(1min);
  CHECK(in.runs("mart").size() == 1);
  in.make("c2", "customers");
  in.end("c2");
  CHECK(in.runs("mart").size() == 1);
  in.make("o2", "orders");
  in.end("o2");
  CHECK(in.runs("mart").size() == 2);
}

TEST_CASE("upstream runs of one day belong together, and their day is taken over") {
  node_of in;
  auto of = after({"orders", "customers"});
  of.after->same = {"day"};
  in.deploy("mart", of);
  in.make("o1", "orders", {{"day", "2024-05-01"}});
  in.make("o2", "orders", {{"day", "2024-05-02"}});
  in.make("c2", "customers", {{"day", "2024-05-02"}});
  in.end("o1");
  in.end("o2");
  in.end("c2");
  const auto starts = store::schedules_of(*in.store).starts({}).value();
  REQUIRE(starts.size() == 1);
  CHECK(starts[0].params.dump() == R"({"day":"2024-05-02"})");
  CHECK(starts[0].parents.dump() == R"([{"pipeline":"orders","run":"o2"},{"pipeline":"customers","run":"c2"}])");
}

TEST_CASE("runs that failed, were partial or drained start nothing") {
  node_of in;
  in.deploy("mart", after({"orders"}, false));
  auto partial = after({"orders"}, false);
  partial.after->partial = true;
  in.deploy("lenient", partial);
  for (const auto* run : {"o1", "o2", "o3", "o4"}) in.make(run, "orders");
  in.end("o1", store::run_state::failed);
  in.end("o2", store::run_state::partial);
  in.end("o3", store::run_state::succeeded, true);
  CHECK(in.runs("mart").empty());
  CHECK(in.runs("lenient").size() == 1);
  in.end("o4");
  CHECK(in.runs("mart").size() == 1);
  CHECK(in.runs("lenient").size() == 2);
}

TEST_CASE("upstream runs that ended while no node ran start their run when one is back") {
  node_of in;
  in.deploy("mart", after({"orders"}));
  in.kill();
  in.make("o1", "orders");
  store::change change;
  change.run = "o1";
  change.state = store::run_state::succeeded;
  change.events.push_back({.run = "o1", .type = "run.succeeded"});
  REQUIRE(in.store->apply(change).ok());
  in.start();
  in.time.pass(2s);
  CHECK(in.runs("mart").size() == 1);
}

TEST_CASE("a backfill runs as many at a time as it may, the oldest first") {
  node_of in;
  in.deploy("daily", daily("UTC"));
  std::vector<store::pending_start> starts;
  for (int day = 0; day < 5; ++day) {
    store::pending_start one{.pipeline = "daily", .key = "b" + std::to_string(day), .due = day, .reason = "backfill"};
    one.batch = "batch";
    one.concurrency = 2;
    starts.push_back(one);
  }
  REQUIRE(store::schedules_of(*in.store).add(starts).value() == 5);
  in.look();
  CHECK(in.asked.size() == 2);
  in.end(store::run_of_start("b0"));
  CHECK(in.asked.size() == 3);
  in.end(store::run_of_start("b2"), store::run_state::failed);
  in.end(store::run_of_start("b1"));
  CHECK(in.asked.size() == 5);
  CHECK(in.asked.back() == "daily 1970-01-01T00:00:00.000004Z");
}

TEST_CASE("a schedule that can't be followed holds no other one up") {
  node_of in;
  in.deploy("broken", daily("No/Where"));
  in.deploy("daily", daily("UTC"));
  in.time.pass(6h);
  CHECK(in.runs("daily") == texts{"05-01T05:15"});
}
