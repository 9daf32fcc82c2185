#include "tests/actors/bench_run.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

using namespace sluice;
using namespace sluice::actors::testing;
using actors::run_outcome;
using store::run_state;

namespace {

std::string why(const run_outcome& outcome) { return outcome.cause.value_or(error{}).to_string(); }

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
  CHECK(*read < 100'000 / 2);
}

TEST_CASE("a slow sink holds back the whole line: batches in flight never exceed the bound") {
  bench job;
  job.credit = {.rows = 40, .bytes = 1 << 20, .markers = 4};
  auto to = std::make_shared<shelf>();
  auto written = std::make_shared<std::atomic<std::int64_t>>(0);
  auto most = std::make_shared<std::atomic<std::int64_t>>(0);
  numbers of{.splits = 4, .rows = 500, .batch_rows = 10};
  const auto read = of.batches_read;
  // On each of two channels 4 batches of credit and what its sender makes before it sees that there is none: one for
  // the unit, two for the source, which reads ahead.
  constexpr std::int64_t bound = 4 + 1 + 4 + 2;
  to->before_write = [=] {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (*written == 0 && *read < bound && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    *most = std::max<std::int64_t>(*most, *read - *written);
    ++*written;
  };
  const int from = job.source("numbers", of);
  const int through = job.transform("through", pass_on);
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, into);
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(to->rows == up_to(2000));
  CHECK(*most == bound);
}

TEST_CASE("rejects of reader, unit and sink are counted and kept with their place") {
  bench job;
  job.what().definition.rejects.allow = 3;
  auto to = std::make_shared<shelf>();
  to->refuses = {15};
  const auto no_seven = [] {
    script made;
    made.process = [](int, const batch& in, emitter& out) {
      std::vector<std::int64_t> kept;
      const auto all = values(in);
      for (std::size_t row = 0; row < all.size(); ++row) {
        if (all[row] != 7) {
          kept.push_back(all[row]);
        } else {
          const auto at = static_cast<std::int64_t>(row);
          out.reject(in, {{at, "seven", "n", "it is seven"}, {at, "odd", "n", "it is odd"}});
        }
      }
      auto made_of = with_values(in, kept);
      if (kept.size() == all.size()) made_of.positions = in.positions;
      out.emit(0, std::move(made_of));
      return status();
    };
    return made;
  };
  const int from = job.source("numbers", {.splits = 2, .rows = 10, .bad = {12}});
  const int through = job.transform("through", no_seven);
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, into);
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(outcome.rejected == 3);
  REQUIRE(outcome.rejects_path == job.folder().file("rejects.ndjson"));
  CHECK(to->rows.size() == 17);
  std::istringstream file(job.folder().read("rejects.ndjson"));
  std::map<std::string, options> lines;
  for (std::string line; std::getline(file, line);) {
    auto parsed = options::parse(line);
    lines[parsed["unit"].get<std::string>()] = parsed;
  }
  REQUIRE(lines.size() == 3);
  CHECK(lines["numbers"]["record"] == "12");
  CHECK(lines["numbers"]["file"] == "numbers-1");
  CHECK(lines["numbers"]["line"] == 3);
  CHECK(lines["through"]["record"] == R"({"n":7})");
  CHECK(lines["through"]["code"] == "seven");
  CHECK(lines["through"]["message"] == "it is seven; it is odd");
  CHECK(lines["through"]["file"] == "numbers-0");
  CHECK(lines["through"]["line"] == 8);
  CHECK(lines["shelf"]["record"] == R"({"n":15})");
  CHECK(lines["shelf"]["line"] == 6);
}

TEST_CASE("more rejects than allowed give a partial run; a share above fail_above publishes nothing") {
  for (const bool fails : {false, true}) {
    bench job;
    auto to = std::make_shared<shelf>();
    job.what().definition.rejects.allow = 1;
    if (fails) job.what().definition.rejects.fail_above = 0.1;
    const int from = job.source("numbers", {.splits = 1, .rows = 10, .bad = {1, 2}});
    const int into = job.sink("shelf", to);
    job.edge(from, into);
    const auto outcome = job.run();
    CHECK(outcome.state == (fails ? run_state::failed : run_state::partial));
    CHECK(to->calls.back() == (fails ? "abort" : "commit"));
    CHECK(job.events(outcome.run).back() == (fails ? "run.failed" : "run.partial"));
    if (fails) CHECK(outcome.cause->code == "too_many_rejects");
  }
}

TEST_CASE("rows on a rejects port reach its reader and the rejects file") {
  bench job;
  auto good = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 1, .rows = 10, .bad = {4, 5}});
  const int port = job.rejects_port(from);
  auto seen = std::make_shared<std::vector<std::string>>();
  const auto look = [seen] {
    script made;
    made.process = [seen](int, const batch& in, emitter& out) {
      for (std::int64_t row = 0; row < in.rows(); ++row)
        seen->push_back(in.data->column(2)->GetScalar(row).ValueOrDie()->ToString() + ":" +
                        in.data->column(3)->GetScalar(row).ValueOrDie()->ToString());
      out.count_filtered(static_cast<std::uint64_t>(in.rows()));
      return status();
    };
    return made;
  };
  const int bad = job.transform("bad", look);
  const int into = job.sink("good", good);
  const int nowhere = job.sink("nowhere", std::make_shared<shelf>());
  job.edge(from, into);
  job.edge(from, bad, edge_kind::forward, port).ordered = false;
  job.edge(bad, nowhere);
  const auto outcome = job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::partial);
  CHECK(outcome.balanced);
  CHECK(*seen == std::vector<std::string>{"4:5", "5:6"});
  CHECK(outcome.rejected == 2);
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
