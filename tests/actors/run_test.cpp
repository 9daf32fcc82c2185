#include "tests/actors/bench_run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::actors::testing;
using store::run_state;

TEST_CASE("a source, a transform and a sink move all rows, in order, and commit") {
  bench job;
  auto to = std::make_shared<shelf>();
  const int from = job.source("numbers", {.splits = 3, .rows = 10});
  const int through = job.transform("through", pass_on);
  const int into = job.sink("shelf", to);
  job.edge(from, through);
  job.edge(through, into).restore_order = true;

  const auto outcome = job.run();
  INFO(outcome.cause.value_or(error{}).to_string());
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
}
