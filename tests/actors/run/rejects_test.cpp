#include "tests/actors/bench_run.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <map>
#include <sstream>

using namespace sluice;
using namespace sluice::actors::testing;
using store::run_state;

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
    numbers of{.splits = 1, .rows = 10, .bad = {1, 2}};
    open_before_reading(*to, of);
    const int from = job.source("numbers", of);
    const int into = job.sink("shelf", to);
    job.edge(from, into);
    const auto outcome = job.run();
    CHECK(outcome.state == (fails ? run_state::failed : run_state::partial));
    CHECK(eventually([&] { return called(*to, fails ? "abort" : "commit"); }));
    CHECK_FALSE(called(*to, fails ? "commit" : "abort"));
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
