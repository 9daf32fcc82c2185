#include "tests/actors/bench_run.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <thread>

using namespace sluice;
using namespace sluice::actors::testing;
using store::run_state;

namespace {

/// Passes on what `keep` wants.
std::function<script()> keeping(std::function<bool(std::int64_t)> keep) {
  return [keep = std::move(keep)] {
    script made;
    made.process = [keep](int, const batch& in, emitter& out) {
      std::vector<std::int64_t> kept;
      for (const auto n : values(in))
        if (keep(n)) kept.push_back(n);
      out.count_filtered(static_cast<std::uint64_t>(in.rows()) - kept.size());
      out.emit(0, with_values(in, kept));
      return status();
    };
    return made;
  };
}

}  // namespace

TEST_CASE("a source, a transform and a sink move all rows, in order, and commit") {
  bench job;
  auto to = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 3, .rows = 10});
  const int through = job.transform("through", pass_on);
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, into).restore_order = true;

  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(outcome.balanced);
  CHECK(to->rows == up_to(30));
  CHECK(to->calls == std::vector<std::string>{"open", "prepare", "commit"});
  REQUIRE(outcome.units.size() == 3);
  CHECK(outcome.units[0].counters.in == 30);
  CHECK(outcome.units[1].counters.in == 30);
  CHECK(outcome.units[1].counters.out == 30);
  CHECK(outcome.units[2].counters.out == 30);
  CHECK(outcome.units[2].target == "shelf");
  // A unit may be done before another one is ready; all is told between the run's start and its end.
  auto events = job.events(outcome.run);
  REQUIRE(events.size() == 9);
  CHECK(events[0] == "run.queued");
  CHECK(events[1] == "run.started");
  CHECK(events[2] == "unit.started");
  CHECK(events[7] == "unit.finished");
  CHECK(events[8] == "run.succeeded");
  CHECK(std::count(events.begin(), events.end(), "unit.started") == 3);
  CHECK(std::count(events.begin(), events.end(), "unit.finished") == 3);
}

TEST_CASE("a unit that is done before another one is ready is told of behind the run's start") {
  bench job;
  auto to = std::make_shared<shelf>();
  gate opened;
  to->before_open = [&] { opened.pass(); };
  const int from = job.source("numbers", {.splits = 1, .rows = 3});
  const int into = job.sink("shelf", to);
  job.edge(from, into);
  sluice::actors::run_callbacks callbacks;
  callbacks.interval = std::chrono::milliseconds(1);
  callbacks.progress = [&](const sluice::actors::run_progress& made) {
    if (!made.units.empty() && made.units[0].state == "finished") opened.open();
  };
  const auto outcome = job.run(callbacks);
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(job.events(outcome.run) == std::vector<std::string>{"run.queued", "run.started", "unit.started",
                                                            "unit.finished", "unit.started", "unit.finished",
                                                            "run.succeeded"});
}

TEST_CASE("parallel readers and filters give the order of one, also where they make nothing of some batches") {
  bench job;
  auto to = std::make_shared<shelf>();
  // Later splits are there at once, the first ones come late.
  numbers of{.splits = 24, .rows = 100, .batch_rows = 7};
  auto first_done = std::make_shared<gate>();
  auto later_splits = std::make_shared<std::atomic<int>>(0);
  of.before_read = [=](std::uint32_t split) {
    if (split == 0) first_done->pass();
    if (split > 2 && ++*later_splits == 1) first_done->open();
  };
  const int from = job.source("numbers", of, 3);
  const int odd = job.transform("odd", keeping([](auto n) { return n % 2 == 1 && (n < 300 || n > 900); }), 3);
  const int into = job.sink("shelf", to);
  job.edge(from, odd);
  job.edge(odd, into).restore_order = true;

  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  std::vector<std::int64_t> expected;
  for (const auto n : up_to(2400))
    if (n % 2 == 1 && (n < 300 || n > 900)) expected.push_back(n);
  CHECK(to->rows == expected);
  CHECK(outcome.units[1].counters.filtered == 2400 - expected.size());
}

TEST_CASE("a unit that makes several batches of one keeps their order") {
  bench job;
  auto to = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 8, .rows = 20, .batch_rows = 5}, 2);
  const auto one_by_one = [] {
    script made;
    made.process = [](int, const batch& in, emitter& out) {
      for (std::int64_t row = 0; row < in.rows(); ++row) out.emit(0, in.slice(row, 1));
      return status();
    };
    return made;
  };
  const int split = job.transform("split", one_by_one, 2);
  const int again = job.transform("again", one_by_one, 2);
  const int into = job.sink("shelf", to);
  job.edge(from, split);
  job.edge(split, again);
  job.edge(again, into).restore_order = true;
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(to->rows == up_to(160));
}

TEST_CASE("hash, round-robin and broadcast edges lose nothing, and keys stay together") {
  bench job;
  auto spread = std::make_shared<shelf>();
  auto copied = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 4, .rows = 50, .batch_rows = 9}, 2);
  const int even = job.transform("turns", pass_on, 3);
  const int keyed = job.transform("keyed", pass_on, 4);
  const int copies = job.transform("copies", pass_on, 3);
  const int into = job.sink("spread", spread);
  const int all = job.sink("copied", copied);
  job.edge(from, even, edge_kind::round_robin);
  job.edge(even, keyed, edge_kind::hash).keys = {"n"};
  job.edge(even, copies, edge_kind::broadcast);
  job.edge(keyed, into).ordered = false;
  job.edge(copies, all).ordered = false;
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(spread->sorted() == up_to(200));
  CHECK(copied->rows.size() == 600);
}

TEST_CASE("a unit with two inputs reads both, though one of them ends first") {
  bench job;
  auto to = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 2, .rows = 40, .batch_rows = 4});
  const int small = job.source("small", {.splits = 1, .rows = 5});
  // Answers its first input only once the second has ended, as a join does.
  const auto join = [] {
    auto early = std::make_shared<std::vector<batch>>();
    auto ready = std::make_shared<bool>(false);
    script made;
    made.process = [=](int input, batch in, emitter& out) {
      if (input == 1) {
        out.count_merged(static_cast<std::uint64_t>(in.rows()));
      } else if (!*ready) {
        early->push_back(std::move(in));
      } else {
        out.emit(0, std::move(in));
      }
      return status();
    };
    made.finish = [=](int input, emitter&) {
      if (input == 1) *ready = true;
      return status();
    };
    made.resume = [=](emitter& out) -> result<bool> {
      if (!*ready || early->empty()) return false;
      out.emit(0, std::move(early->front()));
      early->erase(early->begin());
      return !early->empty();
    };
    return made;
  };
  const int joined = job.transform("joined", join);
  const int into = job.sink("shelf", to);
  job.edge(from, joined);
  job.edge(small, joined, edge_kind::broadcast, 0, 1);
  job.edge(joined, into).restore_order = true;
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(to->rows == up_to(80));
  CHECK(outcome.units[2].counters.in == 85);
  CHECK(outcome.units[2].counters.merged == 5);
}

TEST_CASE("a branch that is joined back again ends with the smallest credit") {
  bench job;
  job.credit = {.rows = 1, .bytes = 1, .markers = 1};
  auto to = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 3, .rows = 30, .batch_rows = 2}, 2);
  const int branch = job.transform("branch", pass_on);
  const auto total = [] {
    auto sum = std::make_shared<std::int64_t>(0);
    auto rows = std::make_shared<std::uint64_t>(0);
    script made;
    made.keeps_order = false;
    made.process = [=](int, const batch& in, emitter&) {
      for (const auto n : values(in)) *sum += n;
      *rows += static_cast<std::uint64_t>(in.rows());
      return status();
    };
    made.finish = [=](int, emitter& out) {
      out.count_merged(*rows - 1);
      batch one;
      out.emit(0, with_values(one, {*sum}));
      return status();
    };
    return made;
  };
  const int sum = job.transform("sum", total);
  const int both = job.transform("both", pass_on);
  const int into = job.sink("shelf", to);
  job.edge(from, branch);
  job.edge(branch, sum);
  job.edge(branch, both, edge_kind::forward, 0, 0);
  job.edge(sum, both, edge_kind::forward, 0, 1);
  job.edge(both, into).ordered = false;
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  auto expected = up_to(90);
  expected.push_back(89 * 90 / 2);
  CHECK(to->sorted() == expected);
}

TEST_CASE("a unit that has enough stops its sources, and the counts still balance") {
  bench job;
  job.credit = {.rows = 100, .bytes = 1 << 20, .markers = 4};
  auto to = std::make_shared<shelf>();
  numbers of{.splits = 1000, .rows = 1000, .batch_rows = 10};
  const auto read = of.batches_read;
  const auto first_25 = [] {
    auto left = std::make_shared<std::int64_t>(25);
    script made;
    made.process = [left](int, const batch& in, emitter& out) {
      const auto take = std::min(*left, in.rows());
      *left -= take;
      out.count_filtered(static_cast<std::uint64_t>(in.rows() - take));
      out.emit(0, in.slice(0, take));
      return status();
    };
    made.satisfied = [left] { return *left == 0; };
    return made;
  };
  const int from = job.source("numbers", of, 2);
  const int through = job.transform("through", pass_on, 2);
  const int limit = job.transform("limit", first_25);
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, limit).restore_order = true;
  job.edge(limit, into);
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(to->rows == up_to(25));
  // What credit lets into four channels, not what a source could read meanwhile.
  CHECK(*read < 200);
}

TEST_CASE("a slow sink holds back the whole line: batches in flight never exceed the bound, and reach it") {
  // Also where the unit always finds its source as far ahead as it may be.
  for (const bool late : {false, true}) {
    bench job;
    job.credit = {.rows = 40, .bytes = 1 << 20, .markers = 4};
    auto to = std::make_shared<shelf>();
    auto written = std::make_shared<std::atomic<std::int64_t>>(0);
    auto most = std::make_shared<std::atomic<std::int64_t>>(0);
    numbers of{.splits = 4, .rows = 500, .batch_rows = 10};
    const auto read = of.batches_read;
    const auto await_read = [=](std::int64_t batches) {
      const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (*read < batches && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    };
    // On each of two channels 4 batches of credit and what its sender makes before it sees that there is none: one for
    // the unit, two for the source, which reads ahead.
    constexpr std::int64_t source_alone = 4 + 2;
    constexpr std::int64_t bound = source_alone + 4 + 1;
    to->before_write = [=] {
      if (*written == 0) await_read(bound);
      *most = std::max<std::int64_t>(*most, *read - *written);
      ++*written;
    };
    const auto passes_late = [=] {
      auto made = pass_on();
      auto passed = std::make_shared<std::int64_t>(0);
      made.process = [=, pass = made.process](int input, batch in, emitter& out) {
        if (*written == 0) await_read(source_alone + (*passed)++);
        return pass(input, std::move(in), out);
      };
      return made;
    };
    const int from = job.source("numbers", of);
    const int through = job.transform("through", late ? std::function<script()>(passes_late) : pass_on);
    const int into = job.sink("shelf", to);
    job.edge(from, through);
    job.edge(through, into);
    const auto outcome = job.run();
    INFO(why(outcome) << ", late: " << late);
    CHECK(outcome.state == run_state::succeeded);
    CHECK(to->rows == up_to(2000));
    CHECK(*most == bound);
  }
}

TEST_CASE("an input that wants to be last is read no further than its credit before the others have ended") {
  for (const bool diamond : {false, true}) {
    bench job;
    job.credit = {.rows = 10, .bytes = 1 << 20, .markers = 4};
    auto to = std::make_shared<shelf>();
    auto last_before_end = std::make_shared<int>(0);
    const auto join = [=] {
      auto ended = std::make_shared<bool>(false);
      script made;
      made.wants_last = 0;
      made.process = [=](int input, batch in, emitter& out) {
        if (input == 0 && !*ended) ++*last_before_end;
        out.emit(0, std::move(in));
        return status();
      };
      made.finish = [=](int input, emitter&) {
        if (input == 1) *ended = true;
        return status();
      };
      return made;
    };
    const int probe = job.source("probe", {.splits = 3, .rows = 50, .batch_rows = 5});
    const int build = diamond ? probe : job.source("build", {.splits = 3, .rows = 50, .batch_rows = 5});
    const int slow = job.transform("slow", pass_on);
    const int joined = job.transform("joined", join);
    const int into = job.sink("shelf", to);
    job.edge(build, slow);
    job.edge(probe, joined);
    job.edge(slow, joined, edge_kind::forward, 0, 1);
    job.edge(joined, into).ordered = false;
    const auto outcome = job.run();
    INFO(why(outcome));
    CHECK(outcome.state == run_state::succeeded);
    CHECK(to->rows.size() == 300);
    CHECK((*last_before_end > 0) == diamond);
  }
}
