#include "actors/run/control.hpp"

#include "tests/actors/run/played_run.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;
using store::run_state;
using strings = std::vector<std::string>;

namespace {

struct desk : stage {
  probe user{time};
  caf::actor control = time.keep(spawn_control(
      time.system(), {time.services(), store, starter.handle(), notifier.handle(), 2}));  // runs at a time
  std::map<std::string, std::unique_ptr<played_units>> units;                             ///< by run

  ~desk() {
    // Runs end with their actors: the test is over.
    for (const auto& one : starter.all<launch>()) time.keep(one.supervisor);
  }

  std::shared_ptr<const run_setup> submit(const std::optional<std::int64_t>& state_version = std::nullopt) {
    auto setup = std::make_shared<run_setup>(*job.setup());
    setup->record.state_version = state_version;
    setup->commit_patience.reset();  // a node lives on
    setup->record.plan = plan_to_bytes(*setup->what);
    setup->record.context = options::object();
    hand_in(setup);
    return setup;
  }
  void hand_in(const std::shared_ptr<const run_setup>& setup) {
    user.send(control, submit_setup{setup});
    user.send(control, await_run{setup->run, user});
    time.settle();
    for (const auto& one : starter.all<launch>()) {
      auto& known = units[one.setup->run];
      if (!known) known = std::make_unique<played_units>(*this, one);
    }
  }
  [[nodiscard]] bool launched(const std::string& run) const {
    for (const auto& one : starter.all<launch>())
      if (one.setup->run == run) return true;
    return false;
  }
  played_units& of(const std::string& run) {
    for (const auto& one : starter.all<launch>())
      if (one.setup->run == run && units.count(run) == 0) units[run] = std::make_unique<played_units>(*this, one);
    return *units.at(run);
  }
  /// Fails the run, which is the shortest way to its end.
  void end(const std::string& run) {
    of(run).launch_all();
    of(run).fail(reader, "bad_number");
    of(run).abandon_all();
    time.settle();
  }
  [[nodiscard]] std::vector<std::string> ended() const {
    std::vector<std::string> runs;
    for (const auto& one : user.all<run_ended>()) runs.push_back(one.outcome->run);
    return runs;
  }
  cancel_answer cancel(const std::string& run) {
    user.send(control, cancel_run{run});
    time.settle();
    return user.last<cancel_answer>();
  }
  std::map<std::string, std::string> list() {
    user.send(control, list_live_runs{});
    time.settle();
    std::map<std::string, std::string> states;
    for (const auto& one : user.last<live_runs>().runs) states[one.run] = one.state;
    return states;
  }
};

}  // namespace

TEST_CASE("a submission is answered when the run is in the Store, and only then begins") {
  desk made;
  made.time.stalled = true;
  const auto setup = made.submit();
  CHECK(made.user.silent());
  CHECK(made.list() == std::map<std::string, std::string>{{setup->run, "queued"}});
  made.time.stalled = false;
  made.time.settle();
  CHECK(made.user.last<submitted>().run == setup->run);
  CHECK(made.events(setup->run).front() == "run.queued");
  CHECK(made.notifier.all<events_written>().front().events.front().type == "run.queued");
  CHECK(made.launched(setup->run));
  CHECK(made.list() == std::map<std::string, std::string>{{setup->run, "starting"}});
}

TEST_CASE("a submission that the Store does not take is refused, and whoever waits for it hears of it") {
  desk made;
  made.fail("create_run", "disk_full");
  const auto setup = made.submit();
  CHECK(made.user.count<submitted>() == 0);
  CHECK(made.user.last<submission_refused>().faults.front().code == "disk_full");
  REQUIRE(made.user.count<run_ended>() == 1);
  CHECK(made.user.last<run_ended>().outcome->state == run_state::failed);
  CHECK(made.starter.silent());
  CHECK(made.list().empty());
}

TEST_CASE("of two submissions of one run at once the first is taken") {
  desk made;
  made.time.stalled = true;
  const auto setup = made.submit();
  probe other(made.time);
  other.send(made.control, submit_setup{setup});
  made.time.settle();
  CHECK(other.count<caf::error>() == 1);
  made.time.stalled = false;
  made.time.settle();
  CHECK(made.user.count<submitted>() == 1);
  CHECK(made.starter.count<launch>() == 1);
}

TEST_CASE("two runs that use the same state of their sources never run at once") {
  desk made;
  made.time.stalled = true;
  const auto first = made.submit(0);
  const auto second = made.submit(0);
  made.time.stalled = false;
  made.time.settle();
  CHECK(made.user.count<submitted>() == 1);
  CHECK(made.user.last<submission_refused>().faults.front().code == "already_running");
  made.end(first->run);
  // A run that has failed has taken nothing: the same state is there for the next one.
  made.submit(0);
  CHECK(made.user.count<submitted>() == 2);
  // Those that use no state run beside it.
  made.submit();
  CHECK(made.user.count<submitted>() == 3);
}

TEST_CASE("runs above the limit wait, and begin in the order in which they came") {
  desk made;
  strings runs;
  for (int i = 0; i < 5; ++i) runs.push_back(made.submit()->run);
  CHECK(made.user.count<submitted>() == 5);
  CHECK(made.starter.count<launch>() == 2);
  auto states = made.list();
  CHECK(states[runs[1]] == "starting");
  CHECK(states[runs[2]] == "queued");
  made.user.send(made.control, get_progress{runs[4]});
  made.time.settle();
  CHECK(made.user.last<run_progress>().state == "queued");
  CHECK(made.user.last<run_progress>().pipeline == "test");
  for (int i = 0; i < 5; ++i) {
    CHECK(made.launched(runs[static_cast<std::size_t>(i)]));
    CHECK(made.starter.count<launch>() == static_cast<std::size_t>(std::min(i + 2, 5)));
    made.end(runs[static_cast<std::size_t>(i)]);
  }
  CHECK(made.ended() == runs);
  CHECK(made.list().empty());
}

TEST_CASE("cancel says whether it knows the run and whether that has ended") {
  desk made;
  const auto running = made.submit()->run;
  made.submit();
  const auto queued = made.submit()->run;
  auto answer = made.cancel("nobody");
  CHECK_FALSE(answer.known);
  CHECK_FALSE(answer.ended);
  answer = made.cancel(queued);
  CHECK(answer.known);
  CHECK_FALSE(answer.ended);
  CHECK(made.events(queued) == strings{"run.queued", "run.cancelled"});
  CHECK_FALSE(made.launched(queued));
  CHECK(made.ended() == strings{queued});
  answer = made.cancel(queued);
  CHECK(answer.known);
  CHECK(answer.ended);
  answer = made.cancel(running);
  CHECK_FALSE(answer.ended);
  made.time.pass(2s);
  CHECK(made.events(running).back() == "run.cancelled");
  CHECK(made.ended() == strings{queued, running});
}

TEST_CASE("a run that is cancelled while the Store writes it never begins") {
  desk made;
  made.time.stalled = true;
  const auto run = made.submit()->run;
  const auto answer = made.cancel(run);
  CHECK(answer.known);
  CHECK_FALSE(answer.ended);
  made.time.stalled = false;
  made.time.settle();
  CHECK(made.user.count<submitted>() == 1);
  CHECK(made.events(run) == strings{"run.queued", "run.cancelled"});
  CHECK(made.starter.silent());
}

TEST_CASE("whoever asks for the end of a run that has ended is told at once") {
  desk made;
  const auto run = made.submit()->run;
  made.end(run);
  probe late(made.time);
  late.send(made.control, await_run{run, late});
  made.time.settle();
  CHECK(late.last<run_ended>().outcome->cause->code == "bad_number");
  late.send(made.control, get_progress{run});
  made.time.settle();
  CHECK(late.last<run_progress>().run.empty());
}

TEST_CASE("a run whose supervisor dies is ended, when the Store can be written to") {
  desk made;
  const auto run = made.submit()->run;
  const auto next = made.submit()->run;
  for (const auto& one : {run, next}) {
    made.of(one).launch_all();
    made.of(one).start_all();
  }
  made.time.pass(1s);
  made.fail("apply", "store_busy");
  made.time.kill(made.of(run).supervisor());
  made.time.pass(5min);
  CHECK(made.ended().empty());
  CHECK(made.list().count(next) == 1);
  made.fail("apply", "");
  made.time.pass(1s);
  REQUIRE(made.ended() == strings{run});
  const auto outcome = *made.user.last<run_ended>().outcome;
  CHECK(outcome.state == run_state::failed);
  CHECK(outcome.cause->code == "supervisor_died");
  CHECK(made.state_of(run) == run_state::failed);
  CHECK(made.events(run).back() == "run.failed");
  CHECK(made.notifier.all<events_written>().back().events.back().type == "run.failed");
  // It keeps no place.
  made.submit();
  CHECK(made.starter.count<launch>() == 3);
}

TEST_CASE("a supervisor that dies behind its last word has ended its run") {
  desk made;
  const auto run = made.submit()->run;
  made.of(run).launch_all();
  made.of(run).start_all();
  made.time.pass(1s);
  // The last event is written, its answer is lost, and the supervisor with it.
  made.store->after = [&](const std::string& call) -> status {
    if (call == "apply") made.time.kill(made.of(run).supervisor());
    return {};
  };
  made.of(run).fail(stage::reader, "bad_number");
  made.of(run).abandon_all();
  made.time.pass(2s);
  REQUIRE(made.ended() == strings{run});
  CHECK(made.user.last<run_ended>().outcome->state == run_state::failed);
  const auto events = made.events(run);
  CHECK(std::count(events.begin(), events.end(), "run.failed") == 1);
}

TEST_CASE("a run that is cancelled while it can't publish is published by the node as soon as it can") {
  desk made;
  control_settings settings{made.time.services(), made.store, made.starter.handle(), made.notifier.handle(), 2, 5s};
  settings.make_sink = made.job.setup()->components.make_sink;
  made.control = made.time.keep(spawn_control(made.time.system(), settings));
  bool full = true;
  made.to->commits = [&]() -> status { return full ? status(external_error("disk_full", "no room")) : status(); };
  const auto run = made.submit()->run;
  made.of(run).launch_all();
  made.of(run).start_all();
  made.of(run).finish_reader(10);
  made.of(run).finish_writer(10);
  made.time.pass(1s);
  made.of(run).fail(stage::writer, "disk_full");
  made.time.pass(10s);
  CHECK(made.state_of(run) == run_state::committing);
  made.cancel(run);
  made.time.pass(1min);
  REQUIRE(made.ended() == strings{run});
  CHECK(made.user.last<run_ended>().outcome->state == run_state::committing);
  CHECK(made.state_of(run) == run_state::committing);
  full = false;
  made.time.pass(5s);
  CHECK(made.state_of(run) == run_state::succeeded);
  CHECK(made.events(run).back() == "run.succeeded");
  CHECK(made.notifier.all<events_written>().back().events.back().type == "run.succeeded");
}

TEST_CASE("shutting down cancels what runs and waits, answers when all has ended, and takes nothing new") {
  desk made;
  strings runs;
  for (int i = 0; i < 3; ++i) runs.push_back(made.submit()->run);
  made.time.stalled = true;
  runs.push_back(made.submit()->run);
  made.user.send(made.control, shut_down{});
  made.time.settle();
  CHECK(made.user.count<shut_down>() == 0);
  probe late(made.time);
  late.send(made.control, submit_setup{made.job.setup()});
  made.time.settle();
  CHECK(late.count<caf::error>() == 1);
  made.time.stalled = false;
  made.time.pass(2s);
  CHECK(made.user.count<shut_down>() == 1);
  for (const auto& run : runs) CHECK(made.events(run).back() == "run.cancelled");
  made.user.send(made.control, shut_down{});
  made.time.settle();
  CHECK(made.user.count<shut_down>() == 2);
}
