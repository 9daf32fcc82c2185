#include "actors/run/supervisor.hpp"

#include "tests/actors/run/played_run.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <algorithm>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;
using store::run_state;
using strings = std::vector<std::string>;

namespace {

/// One run whose supervisor has just begun.
struct play : stage {
  std::shared_ptr<const run_setup> setup;
  caf::actor supervisor;
  std::unique_ptr<played_units> units;

  explicit play(std::optional<std::chrono::milliseconds> patience = {}, bool cancelled = false,
                std::optional<std::int64_t> timeout_microseconds = {},
                std::optional<std::chrono::microseconds> checkpoint = {},
                std::shared_ptr<const resume_point> behind = nullptr) {
    job.what().definition.timeout_microseconds = timeout_microseconds;
    if (checkpoint) job.what().definition.checkpoint_microseconds = checkpoint->count();
    auto made = std::make_shared<run_setup>(*job.setup());
    made->resume = std::move(behind);
    made->commit_patience = patience;
    setup = made;
    REQUIRE(kept->create_run(setup->record, {{.run = setup->run, .type = "run.queued"}}).ok());
    supervisor = time.keep(spawn_supervisor(time.system(), {setup, time.services(), store, starter.handle(),
                                                            notifier.handle(), owner.handle(), cancelled}));
    time.settle();
    if (starter.count<launch>() > 0) units = std::make_unique<played_units>(*this, starter.last<launch>());
  }
  play& launched() {
    units->launch_all();
    time.settle();
    return *this;
  }
  play& running() {
    launched();
    units->start_all();
    time.settle();
    return *this;
  }
  /// Up to the moment at which the writer is told to commit.
  play& decided() {
    running();
    units->finish_reader(10);
    units->finish_writer(10);
    time.settle();
    return *this;
  }
  [[nodiscard]] strings told() const { return events(setup->run); }
  [[nodiscard]] bool over() const { return owner.count<run_ended>() > 0; }
  [[nodiscard]] run_outcome outcome() const {
    CHECK(owner.count<run_ended>() == 1);
    return *owner.last<run_ended>().outcome;
  }
  [[nodiscard]] std::string cause() const { return outcome().cause.value_or(error{}).code; }
  /// The run has one last event, it is the last one, and the Store says the same as the owner was told.
  void check_end(run_state state) {
    CHECK(outcome().state == state);
    CHECK(state_of(setup->run) == state);
    const auto all = told();
    CHECK(all.back() == "run." + store::to_string(state));
    CHECK(std::count_if(all.begin(), all.end(), [](const auto& type) {
            const auto ends = type.rfind("run.", 0) == 0 ? store::run_state_from(type.substr(4)) : std::nullopt;
            return ends && store::is_final(*ends);
          }) == 1);
    // What was announced is what the Store has.
    strings announced;
    for (const auto& message : notifier.all<events_written>())
      for (const auto& one : message.events) announced.push_back(one.type);
    CHECK(announced == strings(all.begin() + 1, all.end()));
    // Nobody hears of it again, whatever still comes.
    time.pass(10min);
    CHECK(owner.count<run_ended>() == 1);
    CHECK(told() == all);
  }
};

}  // namespace

TEST_CASE("a run in which all units finish commits and succeeds, and tells it in order") {
  play made;
  made.launched();
  for (const auto& who : {stage::reader, stage::enumerator, stage::writer}) {
    CHECK((*made.units)[who].count<begin_work>() == 1);
    made.time.pass(10ms);
    CHECK(made.state_of(made.setup->run) == run_state::starting);
    made.units->tell(who, instance_started{who});
    made.time.pass(50ms);
  }
  made.units->finish_reader(10);
  made.time.pass(50ms);
  CHECK(made.state_of(made.setup->run) == run_state::draining);
  made.units->finish_writer(10);
  made.time.settle();
  CHECK(made.state_of(made.setup->run) == run_state::committing);
  CHECK((*made.units)[stage::writer].last<commit_load>().token == "shelf");
  CHECK_FALSE(made.over());
  made.units->commit();
  made.time.settle();
  made.check_end(run_state::succeeded);
  CHECK(made.told() == strings{"run.queued", "run.started", "unit.started", "unit.started", "unit.finished",
                               "unit.finished", "run.succeeded"});
  CHECK(made.outcome().balanced);
  for (const auto& who : {stage::reader, stage::writer, stage::enumerator})
    CHECK((*made.units)[who].count<leave>() == 1);
  CHECK((*made.units)[stage::enumerator].count<epoch_committed>() == 1);
}

TEST_CASE("a unit that fails has the others given up once, and its cause is the run's") {
  play made;
  made.running();
  made.units->fail(stage::writer, "disk_full");
  made.units->fail(stage::reader, "second");
  made.time.settle();
  for (const auto& who : {stage::reader, stage::writer, stage::enumerator})
    CHECK((*made.units)[who].count<abandon>() == 1);
  CHECK_FALSE(made.over());
  made.units->tell(stage::reader, abandoned{stage::reader});
  made.units->tell(stage::writer, abandoned{stage::writer});
  made.time.settle();
  CHECK_FALSE(made.over());
  made.units->tell(stage::enumerator, abandoned{stage::enumerator});
  made.time.settle();
  CHECK(made.cause() == "disk_full");
  made.check_end(run_state::failed);
}

TEST_CASE("units that are stuck in a call keep a failed or cancelled run for a second and a half, no longer") {
  play made;
  made.running();
  const bool cancel = GENERATE(true, false);
  if (cancel)
    made.owner.send(made.supervisor, cancel_run{made.setup->run});
  else
    made.units->fail(stage::reader, "bad_number");
  made.time.pass(1499ms);
  CHECK_FALSE(made.over());
  made.time.pass(1ms);
  made.check_end(cancel ? run_state::cancelled : run_state::failed);
}

TEST_CASE("a run is cancelled before its units exist, before they have started, and before it began") {
  SECTION("before it began") {
    play made({}, true);
    CHECK(made.starter.silent());
    made.check_end(run_state::cancelled);
    CHECK(made.told() == strings{"run.queued", "run.cancelled"});
  }
  SECTION("before its units exist") {
    play made;
    made.owner.send(made.supervisor, cancel_run{made.setup->run});
    made.time.settle();
    made.units->launch_all();
    made.check_end(run_state::cancelled);
    CHECK(made.told() == strings{"run.queued", "run.cancelled"});
  }
  SECTION("before they have started") {
    play made;
    made.launched();
    made.units->tell(stage::reader, instance_started{stage::reader});
    made.owner.send(made.supervisor, cancel_run{made.setup->run});
    made.time.settle();
    made.units->tell(stage::writer, instance_started{stage::writer});
    made.units->abandon_all();
    made.time.settle();
    made.check_end(run_state::cancelled);
    CHECK(made.told().size() == 3);
    CHECK((*made.units)[stage::writer].count<abandon>() == 1);
  }
  SECTION("twice") {
    play made;
    made.running();
    made.owner.send(made.supervisor, cancel_run{made.setup->run});
    made.owner.send(made.supervisor, cancel_run{made.setup->run});
    made.time.settle();
    CHECK((*made.units)[stage::writer].count<abandon>() == 1);
    made.units->abandon_all();
    made.time.settle();
    made.check_end(run_state::cancelled);
  }
}

TEST_CASE("a run ends at run.timeout, whatever its units do") {
  play made({}, false, 3'600'000'000);
  made.running();
  made.time.pass(59min + 59s);
  CHECK((*made.units)[stage::reader].count<abandon>() == 0);
  made.time.pass(3s);
  CHECK(made.cause() == "run_timed_out");
  made.check_end(run_state::failed);
}

TEST_CASE("units that are not started within a minute fail the run") {
  play made;
  made.time.pass(59s);
  CHECK_FALSE(made.over());
  made.time.pass(3s);
  CHECK(made.cause() == "launch_timed_out");
  made.check_end(run_state::failed);
}

TEST_CASE("units that can't be started fail the run with the starter's cause") {
  play made;
  made.starter.send(made.supervisor, launch_failed{user_error("unknown_node", "no such node")});
  made.time.settle();
  CHECK(made.cause() == "unknown_node");
  made.check_end(run_state::failed);
}

TEST_CASE("a run whose units finish before all of them have started ends well") {
  play made;
  made.launched();
  made.units->tell(stage::enumerator, instance_started{stage::enumerator});
  made.units->tell(stage::writer, instance_started{stage::writer});
  made.units->finish_reader(10);
  made.units->finish_writer(10);
  made.time.settle();
  CHECK_FALSE(made.over());
  made.units->tell(stage::reader, instance_started{stage::reader});
  made.time.settle();
  made.units->commit();
  made.time.settle();
  made.check_end(run_state::succeeded);
}

TEST_CASE("reports that come twice count once, and those that come late change nothing") {
  play made;
  made.running();
  made.units->tell(stage::reader, instance_started{stage::reader});
  made.units->finish_reader(10);
  made.units->finish_reader(7);
  made.time.settle();
  made.units->finish_writer(10);
  made.units->finish_writer(10);
  made.time.settle();
  CHECK((*made.units)[stage::writer].count<commit_load>() == 1);
  // The decision is taken: neither a failure nor a cancel can undo it.
  made.units->fail(stage::reader, "late");
  made.owner.send(made.supervisor, cancel_run{made.setup->run});
  made.units->commit();
  made.units->commit();
  made.units->fail(stage::writer, "late");
  made.time.settle();
  made.check_end(run_state::succeeded);
  const auto types = made.told();
  CHECK(std::count(types.begin(), types.end(), "unit.finished") == 2);
  CHECK(std::count(types.begin(), types.end(), "unit.started") == 2);
}

TEST_CASE("rows that are missing at the end fail the run, and nothing is committed") {
  play made;
  made.running();
  made.units->finish_reader(10);
  made.units->finish_writer(9);
  made.time.settle();
  CHECK((*made.units)[stage::writer].count<commit_load>() == 0);
  made.units->abandon_all();
  made.time.settle();
  CHECK(made.cause() == "rows_lost");
  made.check_end(run_state::failed);
}

TEST_CASE("a unit that dies fails the run, which names it") {
  const auto who = GENERATE(stage::reader, stage::writer, stage::enumerator);
  const bool started = GENERATE(true, false);
  play made;
  started ? made.running() : made.launched();
  made.time.kill((*made.units)[who]);
  made.time.settle();
  CHECK((*made.units)[who == stage::writer ? stage::reader : stage::writer].count<abandon>() == 1);
  made.units->abandon_all();
  made.time.pass(2s);
  CHECK(made.cause() == "unit_died");
  CHECK(made.outcome().cause->where == (who == stage::writer ? "unit shelf" : "unit numbers"));
  made.check_end(run_state::failed);
  // What is gone can't clean up behind itself: its sink's leftovers are removed here.
  CHECK(called(*made.to, "recover"));
}

TEST_CASE("a unit that dies on another node waits for the news of that node, which tell more") {
  const bool told = GENERATE(true, false);
  play made;
  made.units->launch_all("here", "there");
  made.time.settle();
  made.units->start_all();
  made.time.settle();
  made.time.kill((*made.units)[stage::writer]);
  made.time.pass(1s);
  CHECK((*made.units)[stage::reader].count<abandon>() == 0);
  if (told) made.starter.send(made.supervisor, node_lost{"there", external_error("node_lost", "it is gone")});
  made.time.pass(3s);
  CHECK(made.cause() == (told ? "node_lost" : "unit_died"));
  // The loss of a node says nothing about the run: it begins again on those that are left.
  if (told)
    CHECK(made.outcome().state == run_state::restarting);
  else
    made.check_end(run_state::failed);
}

TEST_CASE("a writer of rejects that dies fails the run, and nobody waits for its answer") {
  play made;
  made.running();
  SECTION("while the units work") { made.time.kill(made.units->asked().rejects); }
  SECTION("when it is to be closed") {
    made.units->finish_reader(10);
    made.units->finish_writer(10);
    made.time.stalled = true;  // the disk under its file hangs
    made.time.pass(1s);
    CHECK((*made.units)[stage::writer].count<commit_load>() == 0);
    made.time.kill(made.units->asked().rejects);
    made.time.stalled = false;
  }
  made.time.settle();
  made.units->abandon_all();
  made.time.settle();
  CHECK(made.cause() == "unit_died");
  made.check_end(run_state::failed);
}

TEST_CASE("a sink that dies before it has published is published by the supervisor") {
  play made;
  made.decided();
  made.time.kill((*made.units)[stage::writer]);
  made.time.settle();
  CHECK(called(*made.to, "commit"));
  made.check_end(run_state::succeeded);
}

TEST_CASE("units are asked how far they are five times a second, and no more once they are done") {
  play made;
  made.running();
  (*made.units)[stage::reader].clear();
  made.time.pass(10s);
  CHECK((*made.units)[stage::reader].count<report_progress>() == 50);
  CHECK((*made.units)[stage::enumerator].count<report_progress>() == 0);
  flow::unit_counters seven;
  seven.in = seven.out = 7;
  made.units->tell(stage::reader, instance_progress{stage::reader, seven});
  made.owner.send(made.supervisor, get_progress{made.setup->run});
  made.time.settle();
  const auto shown = made.owner.last<run_progress>();
  CHECK(shown.state == "running");
  CHECK(shown.running_microseconds == 10'000'000);
  REQUIRE(shown.units.size() == 2);
  CHECK(shown.units[0].counters.in == 7);
  CHECK(shown.units[1].state == "waiting");
  made.units->finish_reader(10);
  made.time.settle();
  (*made.units)[stage::reader].clear();
  made.time.pass(10s);
  CHECK((*made.units)[stage::reader].silent());
  CHECK(made.told().size() == 5);  // progress is no event
}

TEST_CASE("how a run ended is written when the Store can be written to again, and told only then") {
  const auto* const code = GENERATE("store_busy", "disk_full", "store_failed");
  const bool good = GENERATE(true, false);
  play made;
  if (good) {
    made.decided();
  } else {
    made.running();
    made.time.pass(1s);
  }
  made.fail("apply", code);
  if (good) {
    made.units->commit();
  } else {
    made.units->fail(stage::reader, "bad_number");
    made.units->abandon_all();
  }
  made.time.pass(10min);
  CHECK_FALSE(made.over());
  made.fail("apply", "");
  made.time.pass(2s);
  made.check_end(good ? run_state::succeeded : run_state::failed);
  CHECK(made.cause() == (good ? "" : "bad_number"));
}

TEST_CASE("a process that does not live for ever leaves a run that it can't end to the next one") {
  play made(5s);
  made.running();
  made.time.pass(1s);
  made.fail("apply", "store_failed");
  made.units->fail(stage::reader, "bad_number");
  made.units->abandon_all();
  made.time.pass(4s);
  CHECK_FALSE(made.over());
  made.time.pass(2s);
  CHECK(made.outcome().state == run_state::failed);
  CHECK(made.cause() == "store_failed");
  CHECK_FALSE(store::is_final(made.state_of(made.setup->run)));
}

TEST_CASE("a decision whose answer is lost is looked up, and committed where the Store has it") {
  play made;
  made.running();
  made.units->finish_reader(10);
  made.time.pass(1s);
  bool take_effect = true;
  SECTION("it has") {
    made.store->after = [](const std::string& call) -> status {
      if (call == "apply") return external_error("store_failed", "no answer");
      return {};
    };
  }
  SECTION("it has not") {
    take_effect = false;
    made.fail("apply", "store_failed");
  }
  made.units->finish_writer(10);
  made.time.settle();
  CHECK((*made.units)[stage::writer].count<commit_load>() == (take_effect ? 1 : 0));
  CHECK((*made.units)[stage::writer].count<abandon>() == (take_effect ? 0 : 1));
  made.store->before = made.store->after = nullptr;
  take_effect ? made.units->commit() : made.units->abandon_all();
  made.time.pass(2s);
  CHECK(made.outcome().state == (take_effect ? run_state::succeeded : run_state::failed));
  CHECK(made.state_of(made.setup->run) == made.outcome().state);
}

TEST_CASE("a decision of which nobody knows is asked for until the Store answers") {
  play made;
  made.running();
  made.units->finish_reader(10);
  made.time.pass(1s);
  made.store->before = [](const std::string&) -> status { return external_error("store_failed", "gone"); };
  made.units->finish_writer(10);
  made.time.pass(30min);
  CHECK_FALSE(made.over());
  CHECK((*made.units)[stage::writer].count<commit_load>() == 0);
  CHECK((*made.units)[stage::writer].count<abandon>() == 0);
  made.store->before = nullptr;
  made.time.pass(1s);
  // It was never taken.
  made.units->abandon_all();
  made.time.pass(2s);
  CHECK(made.cause() == "store_failed");
  made.check_end(run_state::failed);
}

TEST_CASE("the first checkpoint of a run that goes on comes after a quarter of the interval") {
  const bool goes_on = GENERATE(false, true);
  auto behind = std::make_shared<resume_point>();
  behind->epoch = 3;
  play one({}, false, {}, 60s, goes_on ? behind : nullptr);
  one.running();
  const auto& asked = (*one.units)[stage::enumerator];
  one.time.pass(14s);
  CHECK(asked.count<begin_epoch>() == 0);
  one.time.pass(2s);
  CHECK(asked.count<begin_epoch>() == (goes_on ? 1 : 0));
  one.time.pass(43s);
  CHECK(asked.count<begin_epoch>() == (goes_on ? 1 : 0));
  one.time.pass(2s);
  CHECK(asked.count<begin_epoch>() == 1);
}

TEST_CASE("a checkpoint that takes longer than its interval is followed by a pause as long as it took") {
  play one({}, false, {}, 10s);
  one.running();
  const auto& asked = (*one.units)[stage::enumerator];
  const auto take = [&](std::uint64_t epoch, std::chrono::seconds takes) {
    REQUIRE(asked.count<begin_epoch>() == epoch);
    one.units->tell(stage::enumerator, epoch_ready{stage::enumerator, epoch});
    one.time.pass(takes);
    for (const auto& who : {stage::reader, stage::writer}) {
      epoch_prepared passed;
      passed.epoch = epoch;
      passed.what.report.who = who;
      if (who == stage::reader) passed.what.report.port_rows = {0};
      if (who == stage::reader) passed.what.report.sent = {{{0, 0, 0}, 0, 0}};
      if (who == stage::writer) passed.what.report.received = {{{0, 0, 0}, 0, 0}};
      one.units->tell(who, passed);
    }
    one.time.settle();
  };
  one.time.pass(11s);
  take(1, 3s);
  one.time.pass(8s);
  take(2, 40s);
  one.time.pass(38s);
  CHECK(asked.count<begin_epoch>() == 2);
  one.time.pass(5s);
  CHECK(asked.count<begin_epoch>() == 3);
}

TEST_CASE("a supervisor that takes a run over hears everything once more, and tells nothing twice") {
  stage on;
  const auto setup = on.job.setup();
  REQUIRE(on.kept->create_run(setup->record, {{.run = setup->run, .type = "run.queued"}}).ok());
  auto found = std::make_shared<adopted_run>();
  found->setup = setup;
  for (const auto& who : {stage::reader, stage::enumerator, stage::writer}) found->instances.push_back({who, {}, "n2"});
  found->finished_units = {"numbers"};
  instance_stands reader{.who = stage::reader};
  const auto doubt = GENERATE("", "it was drained", "a row was written whose answer was lost");
  reader.drained = doubt == std::string("it was drained");
  if (doubt == std::string("a row was written whose answer was lost")) found->rejects = 1;
  const auto supervisor = on.time.keep(spawn_supervisor(on.time.system(), {setup,
                                                                           on.time.services(),
                                                                           on.store,
                                                                           on.starter.handle(),
                                                                           on.notifier.handle(),
                                                                           on.owner.handle(),
                                                                           false,
                                                                           {},
                                                                           found}));
  on.time.settle();
  CHECK(on.starter.count<launch>() == 0);
  REQUIRE(on.starter.count<take_parts>() == 1);
  const auto asked = on.starter.last<take_parts>();
  played_units units(on, {setup, asked.supervisor, asked.rejects});
  units.launch_all("n2", "n3");
  on.time.settle();
  for (const auto& who : {stage::reader, stage::enumerator, stage::writer}) CHECK(units[who].count<begin_work>() == 1);
  units.tell(stage::reader, reader);
  units.tell(stage::writer, instance_stands{.who = stage::writer});
  units.start_all();
  on.time.pass(50ms);
  if (doubt != std::string()) {
    CHECK(units[stage::writer].count<abandon>() == 1);
    units.abandon_all();
    on.time.pass(5s);
    CHECK(on.owner.last<run_ended>().outcome->cause->code == "not_adopted");
    CHECK(on.state_of(setup->run) == run_state::restarting);
    return;
  }
  CHECK(on.state_of(setup->run) == run_state::running);
  units.finish_reader(10);
  units.finish_writer(10);
  on.time.settle();
  units.commit();
  on.time.settle();
  CHECK(on.owner.last<run_ended>().outcome->state == run_state::succeeded);
  CHECK(on.events(setup->run) == strings{"run.queued", "run.adopted", "unit.finished", "run.succeeded"});
}
