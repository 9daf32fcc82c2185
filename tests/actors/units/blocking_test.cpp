#include "tests/actors/bench_run.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using namespace sluice;
using namespace sluice::actors::testing;
using store::run_state;

TEST_CASE("a transform whose calls may block runs beside the scheduler, one call at a time, and keeps the order") {
  bench job;
  auto to = std::make_shared<shelf>();
  auto inside = std::make_shared<std::atomic<int>>(0);
  auto overlapped = std::make_shared<std::atomic<bool>>(false);
  const int from = job.source("numbers", {.splits = 12, .rows = 40, .batch_rows = 7}, 2);
  const auto slow = [=] {
    auto made = pass_on();
    made.may_block = true;
    made.needs_order = true;
    made.process = [=, pass = made.process](int input, batch in, emitter& out) {
      if (++*inside > 1) *overlapped = true;
      std::this_thread::yield();
      const auto done = pass(input, std::move(in), out);
      --*inside;
      return done;
    };
    return made;
  };
  const int through = job.transform("slow", slow);
  const int into = job.sink("shelf", to);
  job.edge(from, through).restore_order = true;
  job.edge(through, into).restore_order = true;

  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(outcome.balanced);
  CHECK(to->rows == up_to(480));
  CHECK_FALSE(*overlapped);
}

TEST_CASE("a transform that nobody needs any more is stopped when its call has ended") {
  bench job;
  auto to = std::make_shared<shelf>();
  auto stopped = std::make_shared<gate>();
  auto calls = std::make_shared<std::atomic<int>>(0);
  const int from = job.source("numbers", {.splits = 1, .rows = 30, .batch_rows = 3});
  const auto slow = [=] {
    auto made = pass_on();
    made.may_block = true;
    made.process = [=, pass = made.process](int input, batch in, emitter& out) {
      // The second call lasts until the unit below has had enough.
      if (++*calls == 2) stopped->pass();
      return pass(input, std::move(in), out);
    };
    return made;
  };
  const int through = job.transform("slow", slow);
  const auto first_only = [=] {
    auto seen = std::make_shared<std::int64_t>(0);
    auto made = pass_on();
    made.process = [=, pass = made.process](int input, batch in, emitter& out) {
      *seen += in.rows();
      return pass(input, std::move(in), out);
    };
    made.satisfied = [=] {
      if (*seen >= 3) stopped->open();
      return *seen >= 3;
    };
    return made;
  };
  const int first = job.transform("first", first_only);
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, first);
  job.edge(first, into);

  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(outcome.balanced);
  CHECK(to->rows == up_to(3));
}
