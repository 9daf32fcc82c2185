#include "cluster/lost_runs.hpp"

#include "tests/support/temporary_folder.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("runs of a process that is gone fail with the cause when the next node starts") {
  const test::temporary_folder folder;
  const auto kept = store::open_sqlite(folder.file("sluice.db")).value();
  const auto add = [&](const std::string& id, std::int64_t pid, std::int64_t started) {
    store::run_record run;
    run.id = id;
    run.pipeline = id;
    run.state = store::run_state::running;
    run.pid = pid;
    run.pid_started = started;
    REQUIRE(kept->create_run(run, {}).ok());
  };
  add("living", ::getpid(), store::process_start(::getpid()));
  add("dead", ::getpid(), store::process_start(::getpid()) - 1);  // the pid is another process's now
  CHECK(cluster::fail_lost_runs(*kept).value() == 1);
  CHECK(kept->find_run("living").value().state == store::run_state::running);
  const auto dead = kept->find_run("dead").value();
  CHECK(dead.state == store::run_state::failed);
  CHECK(dead.cause["code"] == "engine_died");
  const auto events = kept->events(0, "dead", 10).value();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "run.failed");
  CHECK(cluster::fail_lost_runs(*kept).value() == 0);
}

TEST_CASE("a new controller ends what an older one has left, which can't write any more") {
  const test::temporary_folder folder;
  const auto kept = store::open_sqlite(folder.file("sluice.db")).value();
  store::run_record run;
  run.id = run.pipeline = "left";
  run.state = store::run_state::running;
  run.pid = ::getpid();
  run.pid_started = store::process_start(::getpid()) - 1;
  run.term = kept->next_term().value();
  REQUIRE(kept->create_run(run, {}).ok());
  const auto newer = kept->next_term().value();
  store::change late;
  late.run = run.id;
  late.term = run.term;
  late.state = store::run_state::succeeded;
  CHECK(kept->apply(late).problem().code == "stale_term");
  CHECK(cluster::fail_lost_runs(*kept, newer).value() == 1);
  CHECK(kept->find_run("left").value().term == newer);
}
