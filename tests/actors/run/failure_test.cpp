#include "tests/actors/bench_run.hpp"
#include "tests/support/hooked_store.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <thread>

using namespace sluice;
using namespace sluice::actors;
using namespace sluice::actors::testing;
using namespace std::chrono_literals;
using store::run_state;

namespace {

/// numbers -> through -> shelf.
struct line {
  bench job;
  std::shared_ptr<shelf> to = std::make_shared<shelf>();
  int through = 0;

  explicit line(numbers of = {.splits = 3, .rows = 10}, const std::function<script()>& make = pass_on,
                int readers = 1) {
    if (!of.before_read) open_before_reading(*to, of);
    const int from = job.source("numbers", std::move(of), readers);
    through = job.transform("through", make);
    const int into = job.sink("shelf", to);
    job.edge(from, through);
    job.edge(through, into);
  }
};

/// Asks for a run to be cancelled; whether the answer says that it was live.
bool cancelled_live(engine& inside, const std::string& run) {
  caf::scoped_actor self(inside.system());
  bool live = false;
  self->request(inside.actors().control, patience, cancel_run{run})
      .receive([&](const cancel_answer& answer) { live = answer.known && !answer.ended; }, [](const caf::error&) {});
  return live;
}

}  // namespace

TEST_CASE("a reader's error fails the run with its cause, and nothing is published") {
  line made({.splits = 3, .rows = 10, .fails_at = 14});
  const auto outcome = made.job.run();
  CHECK(outcome.state == run_state::failed);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "bad_number");
  CHECK(outcome.cause->message == "found 14");
  CHECK(outcome.cause->where == "unit numbers");
  CHECK(outcome.cause->path == "/extract/numbers");
  CHECK(eventually([&] { return called(*made.to, "abort"); }));
  CHECK_FALSE(called(*made.to, "commit"));
  CHECK(made.job.events(outcome.run).back() == "run.failed");
  const auto record = made.job.store()->find_run(outcome.run).value();
  CHECK(record.state == run_state::failed);
  CHECK(record.cause["code"] == "bad_number");
}

TEST_CASE("errors of every call of a sink fail the run and abort the sink") {
  for (const std::string call : {"open", "write", "prepare"}) {
    INFO(call);
    line made;
    made.to->fails_at = call;
    const auto outcome = made.job.run();
    CHECK(outcome.state == run_state::failed);
    REQUIRE(outcome.cause);
    CHECK(outcome.cause->code == "disk_full");
    CHECK(outcome.cause->where == "unit shelf");
    CHECK(eventually([&] { return called(*made.to, "abort"); }));
  }
}

TEST_CASE("one sink that cannot prepare keeps the others from committing") {
  bench job;
  auto good = std::make_shared<shelf>();
  auto bad = std::make_shared<shelf>();
  bad->fails_at = "prepare";
  const int from = job.source("numbers", {.splits = 2, .rows = 10});
  const int first = job.sink("good", good);
  const int second = job.sink("bad", bad);
  job.edge(from, first);
  job.edge(from, second);
  const auto outcome = job.run();
  CHECK(outcome.state == run_state::failed);
  CHECK_FALSE(called(*good, "commit"));
  CHECK(eventually([&] { return called(*good, "abort"); }));
  CHECK(eventually([&] { return called(*bad, "abort"); }));
}

namespace {

/// One source into two sinks.
struct two_sinks {
  bench job;
  std::shared_ptr<shelf> good = std::make_shared<shelf>();
  std::shared_ptr<shelf> bad = std::make_shared<shelf>();

  two_sinks() {
    const int from = job.source("numbers", {.splits = 2, .rows = 10});
    job.edge(from, job.sink("good", good));
    job.edge(from, job.sink("bad", bad));
  }
  [[nodiscard]] int count(shelf& of, const std::string& call) const {
    const std::lock_guard guard(of.lock);
    return static_cast<int>(std::count(of.calls.begin(), of.calls.end(), call));
  }
};

}  // namespace

TEST_CASE("a commit that fails for now is repeated until all is visible, and the run succeeds") {
  two_sinks made;
  auto failures = std::make_shared<std::atomic<int>>(2);
  made.bad->commits = [=]() -> status {
    if ((*failures)-- > 0) return external_error("disk_full", "no room");
    return {};
  };
  const auto outcome = made.job.run();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK(made.count(*made.good, "commit") == 1);
  CHECK(made.count(*made.bad, "commit") == 3);
  CHECK_FALSE(called(*made.bad, "abort"));
  CHECK(made.job.store()->due_commits().value().empty());
}

TEST_CASE("what can't be made visible is left to the next process, and never called failed") {
  two_sinks made;
  made.bad->commits = [] { return status(external_error("disk_full", "no room")); };
  const auto outcome = made.job.run();
  CHECK(outcome.state == run_state::committing);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "commit_unfinished");
  CHECK(outcome.cause->message.find("visible: good (shelf, 20 rows); not visible: bad (shelf, 20 rows)") !=
        std::string::npos);
  CHECK_FALSE(called(*made.good, "abort"));
  CHECK_FALSE(called(*made.bad, "abort"));
  CHECK(made.job.events(outcome.run).back() != "run.failed");
  const auto due = made.job.store()->due_commits().value();
  REQUIRE(due.size() == 1);
  CHECK(due[0].what.end == "succeeded");
  CHECK(due[0].what.sinks.size() == 2);
}

TEST_CASE("a target that refuses for good ends the run, which says what each sink shows") {
  two_sinks made;
  made.bad->commits = [] { return status(user_error("target_exists", "somebody made it")); };
  const auto outcome = made.job.run();
  CHECK(outcome.state == run_state::failed);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "commit_refused");
  CHECK(outcome.cause->message.find("somebody made it; visible: good (shelf, 20 rows); not visible: bad") !=
        std::string::npos);
  CHECK_FALSE(called(*made.bad, "abort"));  // it is kept for the next run
  CHECK(made.job.events(outcome.run).back() == "run.failed");
  CHECK(made.job.store()->due_commits().value().at(0).state == store::commit_state::refused);
}

TEST_CASE("a run can't be cancelled or fail once it has decided to commit") {
  two_sinks made;
  auto inside = std::make_shared<gate>();
  made.good->before_commit = [=] { inside->pass(); };
  std::atomic<bool> cancel = false;
  run_callbacks callbacks;
  callbacks.cancel = [&] { return cancel.load(); };
  run_outcome outcome;
  std::thread running([&] { outcome = made.job.run(callbacks); });
  inside->await_waiting();
  cancel = true;
  CHECK(eventually([&] { return made.count(*made.bad, "commit") == 1; }));
  CHECK(made.job.store()->runs({}).value().at(0).state == run_state::committing);
  inside->open();
  running.join();
  INFO(why(outcome));
  CHECK(outcome.state == run_state::succeeded);
  CHECK_FALSE(called(*made.good, "abort"));
}

TEST_CASE("an exception that leaves a component is its error") {
  line made({.splits = 3, .rows = 10}, [] {
    script breaks;
    breaks.process = [](int, const batch&, emitter&) -> status { throw std::runtime_error("boom"); };
    return breaks;
  });
  const auto outcome = made.job.run();
  CHECK(outcome.state == run_state::failed);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "component_threw");
  CHECK(outcome.cause->message.find("boom") != std::string::npos);
}

TEST_CASE("a row that vanishes in a reader, a unit or a sink fails the run and names it") {
  SECTION("reader") {
    line made({.splits = 3, .rows = 10, .loses = 17});
    const auto outcome = made.job.run();
    REQUIRE(outcome.cause);
    CHECK(outcome.cause->code == "rows_lost");
    CHECK(outcome.cause->message.find("unit numbers: 30 in + 0 added = 30, but 29 out") != std::string::npos);
    CHECK_FALSE(outcome.balanced);
    CHECK(eventually([&] { return called(*made.to, "abort"); }));
  }
  SECTION("unit") {
    line made({.splits = 3, .rows = 10}, [] {
      script loses;
      loses.process = [](int, const batch& in, emitter& out) {
        out.emit(0, values(in).front() == 13 ? in.slice(1, in.rows() - 1) : in);
        return status();
      };
      return loses;
    });
    const auto outcome = made.job.run();
    REQUIRE(outcome.cause);
    CHECK(outcome.cause->code == "rows_lost");
    CHECK(outcome.cause->message.find("unit through") != std::string::npos);
  }
  SECTION("sink") {
    line made;
    made.to->loses = 3;
    const auto outcome = made.job.run();
    REQUIRE(outcome.cause);
    CHECK(outcome.cause->code == "rows_lost");
    CHECK(outcome.cause->message.find("unit shelf: 30 in") != std::string::npos);
  }
}

TEST_CASE("a run that takes longer than run.timeout fails") {
  auto stuck = std::make_shared<gate>();
  line made({.splits = 1, .rows = 10, .before_read = [=](std::uint32_t) { stuck->pass(); }});
  made.job.what().definition.timeout_microseconds = 20'000;
  const auto outcome = made.job.run();
  stuck->open();
  CHECK(outcome.state == run_state::failed);
  REQUIRE(outcome.cause);
  CHECK(outcome.cause->code == "run_timed_out");
}

TEST_CASE("cancel is answered though a reader is stuck in a FIFO that nobody writes to") {
  test::temporary_folder folder;
  const auto fifo = folder.file("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  auto at_fifo = std::make_shared<gate>();
  auto at_target = std::make_shared<gate>();
  line made({.splits = 1, .rows = 10, .before_read = [=](std::uint32_t) {
               at_fifo->open();
               const int opened = ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
               if (opened >= 0) ::close(opened);
             }});
  made.to->before_open = [=] { at_target->open(); };
  engine inside(made.job.store());
  const auto setup = made.job.setup();
  auto running = std::async(std::launch::async, [&] { return inside.run(setup); });
  at_fifo->pass();
  at_target->pass();

  // The reader hangs until the FIFO has a writer: whatever comes before did not wait for it.
  CHECK(cancelled_live(inside, setup->run));
  const auto outcome = running.get();
  CHECK(outcome.state == run_state::cancelled);
  CHECK(made.job.events(outcome.run).back() == "run.cancelled");
  CHECK(eventually([&] { return called(*made.to, "abort"); }));
  ::close(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
}

TEST_CASE("cancel does not wait for a sink that is stuck; its abort follows when the disk answers") {
  line made;
  auto disk = std::make_shared<gate>();
  made.to->before_write = [=] { disk->pass(); };
  run_outcome outcome;
  {
    engine inside(made.job.store());
    const auto setup = made.job.setup();
    auto running = std::async(std::launch::async, [&] { return inside.run(setup); });
    disk->await_waiting();
    inside.cancel(setup->run);
    outcome = running.get();
    CHECK(outcome.state == run_state::cancelled);
    CHECK_FALSE(called(*made.to, "abort"));
    disk->open();
  }
  CHECK(eventually([&] { return called(*made.to, "abort"); }));
}

TEST_CASE("cancel is answered while a transform is in a long call, and does not wait for it for ever") {
  bench job;
  auto to = std::make_shared<shelf>();
  auto disk = std::make_shared<gate>();
  const int from = job.source("numbers", {.splits = 1, .rows = 10});
  const int through = job.transform("spilling", [=] {
    auto made = pass_on();
    made.may_block = true;
    made.process = [=](int, batch, emitter&) {
      disk->pass();
      return status();
    };
    return made;
  });
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, into);
  engine inside(job.store());
  const auto setup = job.setup();
  auto running = std::async(std::launch::async, [&] { return inside.run(setup); });
  disk->await_waiting();
  CHECK(cancelled_live(inside, setup->run));
  CHECK(running.get().state == run_state::cancelled);
  disk->open();
}

TEST_CASE("a cancelled queued run ends without having started, and unknown runs are unknown") {
  line made;
  auto stuck = std::make_shared<gate>();
  made.to->before_write = [=] { stuck->pass(); };
  engine inside(made.job.store());
  std::vector<std::shared_ptr<const run_setup>> setups;
  caf::scoped_actor self(inside.system());
  for (int i = 0; i < 5; ++i) {
    setups.push_back(made.job.setup());
    self->request(inside.actors().control, patience, submit_setup{setups.back()})
        .receive([](const submitted&) {}, [](const caf::error&) { FAIL("not taken"); });
    self->send(inside.actors().control, await_run{setups.back()->run, self});
  }
  std::vector<run_progress> live;
  // A run that does not answer within a second is left out.
  CHECK(eventually([&] {
    self->request(inside.actors().control, patience, list_live_runs{})
        .receive([&](const live_runs& answer) { live = answer.runs; }, [](const caf::error&) {});
    return live.size() == 5;
  }));
  CHECK(std::count_if(live.begin(), live.end(), [](const auto& run) { return run.state == "queued"; }) == 1);

  self->request(inside.actors().control, patience, cancel_run{"nobody"})
      .receive([](const cancel_answer& answer) { CHECK_FALSE(answer.known); }, [](const caf::error&) { FAIL(); });
  self->send(inside.actors().control, cancel_run{setups[4]->run});
  bool first = true;
  for (int ended = 0; ended < 5;) {
    self->receive(
        [&](const run_ended& message) {
          ++ended;
          if (first) {
            CHECK(message.outcome->run == setups[4]->run);
            CHECK(message.outcome->state == run_state::cancelled);
            stuck->open();
          }
          first = false;
        },
        [](const cancel_answer&) {});
  }
}

TEST_CASE("a run that is cancelled while the Store still writes it ends as cancelled, once") {
  line made;
  auto disk = std::make_shared<gate>();
  const auto slow = std::make_shared<test::hooked_store>(made.job.store());
  slow->before = [=](const std::string& call) {
    if (call == "create_run") disk->pass();
    return status();
  };
  engine inside(slow);
  const auto setup = made.job.setup();
  auto running = std::async(std::launch::async, [&] { return inside.run(setup); });
  disk->await_waiting();
  CHECK(cancelled_live(inside, setup->run));
  disk->open();
  CHECK(running.get().state == run_state::cancelled);
  caf::scoped_actor self(inside.system());
  self->request(inside.actors().control, patience, list_live_runs{})
      .receive([](const live_runs& answer) { CHECK(answer.runs.empty()); }, [](const caf::error&) { FAIL(); });
  const auto events = made.job.events(setup->run);
  CHECK(events == std::vector<std::string>{"run.queued", "run.cancelled"});
}

TEST_CASE("shutting down an engine cancels what runs in it") {
  line made;
  auto stuck = std::make_shared<gate>();
  made.to->before_write = [=] { stuck->pass(); };
  const auto setup = made.job.setup();
  {
    engine inside(made.job.store());
    caf::scoped_actor self(inside.system());
    self->request(inside.actors().control, patience, submit_setup{setup})
        .receive([](const submitted&) {}, [](const caf::error&) { FAIL("not taken"); });
    stuck->await_waiting();
    // As the destructor asks, which waits no longer than 5 s.
    self->request(inside.actors().control, patience, shut_down{})
        .receive([](shut_down) {}, [](const caf::error&) { FAIL("not shut down"); });
  }
  CHECK(made.job.store()->find_run(setup->run).value().state == run_state::cancelled);
  stuck->open();
}

TEST_CASE("progress can be asked for while a run is stuck") {
  line made;
  auto stuck = std::make_shared<gate>();
  made.to->before_write = [=] { stuck->pass(); };
  engine inside(made.job.store());
  caf::scoped_actor self(inside.system());
  const auto setup = made.job.setup();
  auto running = std::async(std::launch::async, [&] { return inside.run(setup); });
  stuck->await_waiting();
  run_progress progress;
  // A run that does not answer within a second is not known.
  CHECK(eventually([&] {
    self->request(inside.actors().control, patience, get_progress{setup->run})
        .receive([&](const run_progress& answer) { progress = answer; }, [](const caf::error&) {});
    return progress.run == setup->run;
  }));
  CHECK(progress.pipeline == "test");
  CHECK(progress.units.size() == 3);
  stuck->open();
  CHECK(running.get().state == run_state::succeeded);
}
