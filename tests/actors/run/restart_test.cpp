#include "actors/run/control.hpp"
#include "tests/actors/bench_run.hpp"
#include "tests/actors/run/played_run.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <stdexcept>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;
using store::run_state;
using strings = std::vector<std::string>;

namespace {

/// numbers -> shelf, whose sink throws in its first tries.
struct fragile {
  bench job;
  std::shared_ptr<shelf> to = std::make_shared<shelf>();

  fragile(int bad_tries, std::uint32_t attempts) {
    job.what().definition.retry = retry_rule{.attempts = attempts, .backoff = 2ms, .max_backoff = 8ms};
    job.edge(job.source("numbers", {.splits = 3, .rows = 10}), job.sink("shelf", to));
    auto tries = std::make_shared<std::atomic<int>>(0);
    to->before_open = [tries] { ++*tries; };
    to->before_write = [tries, bad_tries] {
      if (*tries <= bad_tries) throw std::runtime_error("the disk is on fire");
    };
  }
  [[nodiscard]] std::vector<store::event> events(const std::string& run) const {
    return job.store()->events(0, run, 1000).value();
  }
  /// All of a type, in order; at least one.
  [[nodiscard]] std::vector<store::event> events(const std::string& run, const std::string& type) const {
    auto all = events(run);
    std::erase_if(all, [&](const auto& one) { return one.type != type; });
    REQUIRE_FALSE(all.empty());
    return all;
  }
  [[nodiscard]] long count(const std::string& run, const std::string& type) const {
    const auto all = events(run);
    return std::count_if(all.begin(), all.end(), [&](const auto& one) { return one.type == type; });
  }
};

}  // namespace

TEST_CASE("a run whose unit throws is tried again until it works, and each row is loaded once") {
  fragile made(2, 5);
  const auto outcome = made.job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(outcome.balanced);
  CHECK(made.to->sorted() == up_to(30));
  CHECK(outcome.attempt == 3);
  CHECK(made.count(outcome.run, "run.restarting") == 2);
  CHECK(made.count(outcome.run, "run.started") + made.count(outcome.run, "run.recovered") >= 1);
  const auto first = made.events(outcome.run, "run.restarting").front().data;
  CHECK(first["attempt"] == 2);
  CHECK(first["epoch"] == 0);
  CHECK(first["cause"]["code"] == "component_threw");
  CHECK(first["cause"]["where"] == "unit shelf");
  const auto recovered = made.events(outcome.run, "run.recovered").back().data;
  CHECK(recovered["attempt"] == 3);
  const auto last = made.events(outcome.run).back();
  CHECK(last.type == "run.succeeded");
  CHECK(last.data["attempt"] == 3);
  const auto record = made.job.store()->find_run(outcome.run).value();
  CHECK(record.state == run_state::succeeded);
  CHECK(record.cause.is_null());
}

TEST_CASE("a run fails with its first cause when all tries have failed") {
  fragile made(1000, 2);
  const auto outcome = made.job.run();
  CHECK(outcome.state == run_state::failed);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "component_threw");
  CHECK(outcome.cause->hint.find("tried 3 times") != std::string::npos);
  CHECK(outcome.attempt == 3);
  CHECK(made.count(outcome.run, "run.restarting") == 2);
  CHECK(made.count(outcome.run, "run.failed") == 1);
  CHECK(made.job.store()->find_run(outcome.run).value().cause["code"] == "component_threw");
}

TEST_CASE("what the user has to mend is not tried again") {
  bench job;
  auto to = std::make_shared<shelf>();
  job.what().definition.retry = retry_rule{.attempts = 5, .backoff = 1ms, .max_backoff = 1ms};
  job.edge(job.source("numbers", {.splits = 3, .rows = 10, .fails_at = 14}), job.sink("shelf", to));
  const auto outcome = job.run();
  CHECK(outcome.state == run_state::failed);
  CHECK(outcome.cause->code == "bad_number");
  CHECK(outcome.attempt == 1);
  const auto told = job.events(outcome.run);
  CHECK(std::count(told.begin(), told.end(), "run.restarting") == 0);
}

TEST_CASE("without run.retry a run is not tried again") {
  fragile made(1, 5);
  made.job.what().definition.retry.reset();
  const auto outcome = made.job.run();
  CHECK(outcome.state == run_state::failed);
  CHECK(made.count(outcome.run, "run.restarting") == 0);
}

TEST_CASE("a counts mismatch is never hidden by another try") {
  bench job;
  auto to = std::make_shared<shelf>();
  to->loses = 7;
  job.what().definition.retry = retry_rule{.attempts = 5, .backoff = 1ms, .max_backoff = 1ms};
  job.edge(job.source("numbers", {}), job.sink("shelf", to));
  const auto outcome = job.run();
  CHECK(outcome.state == run_state::failed);
  CHECK(outcome.cause->code == "rows_lost");
  CHECK(outcome.attempt == 1);
}

namespace {

/// A run in virtual time under a control actor, whose units the test plays.
struct waiting : stage {
  probe user{time};
  caf::actor control =
      time.keep(spawn_control(time.system(), {time.services(), store, starter.handle(), notifier.handle(), 2}));
  std::shared_ptr<const run_setup> setup;
  std::vector<std::unique_ptr<played_units>> tries;

  waiting() {
    job.what().definition.retry = retry_rule{.attempts = 2, .backoff = 10s, .max_backoff = 40s};
    auto made = std::make_shared<run_setup>(*job.setup());
    made->commit_patience.reset();
    setup = made;
    user.send(control, submit_setup{setup});
    user.send(control, await_run{setup->run, user});
    look();
  }
  ~waiting() {
    for (const auto& one : starter.all<launch>()) time.keep(one.supervisor);
  }
  void look() {
    time.settle();
    const auto all = starter.all<launch>();
    while (tries.size() < all.size()) tries.push_back(std::make_unique<played_units>(*this, all[tries.size()]));
  }
  /// The newest try fails of something that may pass.
  void fail_now() {
    auto& units = *tries.back();
    units.launch_all();
    units.fail(reader, "connection_lost");
    units.abandon_all();
    look();
  }
  [[nodiscard]] run_state state() const { return state_of(setup->run); }
};

}  // namespace

TEST_CASE("a run waits longer before each try, and its number counts") {
  waiting made;
  REQUIRE(made.tries.size() == 1);
  made.fail_now();
  CHECK(made.state() == run_state::restarting);
  CHECK(made.tries.size() == 1);
  made.time.pass(4999ms);
  made.look();
  CHECK(made.tries.size() == 1);
  made.time.pass(5001ms);
  made.look();
  REQUIRE(made.tries.size() == 2);
  CHECK(made.tries.back()->asked().setup->attempt == 2);
  made.fail_now();
  made.time.pass(9999ms);
  made.look();
  CHECK(made.tries.size() == 2);
  made.time.pass(10001ms);
  made.look();
  REQUIRE(made.tries.size() == 3);
  CHECK(made.user.count<run_ended>() == 0);
  made.fail_now();
  CHECK(made.state() == run_state::failed);
  REQUIRE(made.user.count<run_ended>() == 1);
  CHECK(made.user.last<run_ended>().outcome->attempt == 3);
}

TEST_CASE("a run that waits for its next try is cancelled at once, and one that is resumed does not wait") {
  waiting made;
  made.fail_now();
  SECTION("cancelled") {
    made.user.send(made.control, cancel_run{made.setup->run});
    made.look();
    CHECK(made.state() == run_state::cancelled);
    CHECK(made.user.count<run_ended>() == 1);
    made.time.pass(10min);
    made.look();
    CHECK(made.tries.size() == 1);
  }
  SECTION("resumed") {
    made.user.send(made.control, steer_run{made.setup->run, "resume"});
    made.look();
    CHECK(made.user.last<steer_answer>().refused.code.empty());
    CHECK(made.tries.size() == 2);
    // The wait that is over does not start another one.
    made.time.pass(30s);
    made.look();
    CHECK(made.tries.size() == 2);
  }
}

TEST_CASE("a run that is cancelled while it fails is not tried again") {
  waiting made;
  auto& units = *made.tries.back();
  units.launch_all();
  units.fail(stage::reader, "connection_lost");
  made.time.settle();
  made.user.send(made.control, cancel_run{made.setup->run});
  made.time.settle();
  units.abandon_all();
  made.look();
  CHECK(made.state() == run_state::failed);
  CHECK(made.user.count<run_ended>() == 1);
}
