#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

using namespace sluice;
using namespace sluice::testing;

namespace {

std::map<std::string, transform::step_counters> counters_of(runner& of) {
  std::map<std::string, transform::step_counters> counters;
  for (auto& one : of.unit().steps()) {
    CHECK(one.in + one.added == one.out + one.filtered + one.merged + one.rejected);
    counters[one.name] = one;
  }
  return counters;
}

}  // namespace

TEST_CASE("steps work one after the other, each counted by itself") {
  runner unit("steps", R"~([{"filter": "n > 1"}, {"derive": {"d": "n * 2"}}, {"filter": "d < 8"}, {"select": ["d"]}])~",
              "n bigint");
  unit.feed("[[1], [2], [3]]").feed("[[4], [0]]").end();
  CHECK(unit.lines() == lines{"4", "6"});
  CHECK(unit.schema() == "d bigint");
  const auto counters = unit.unit().steps();
  REQUIRE(counters.size() == 4);
  CHECK(counters[0].in == 5);
  CHECK(counters[0].filtered == 2);
  CHECK(counters[2].in == 3);
  CHECK(counters[2].filtered == 1);
  CHECK(counters[3].out == 2);
  CHECK(unit.out.filtered == 3);
}

TEST_CASE("a reject in a later step holds the record as it entered the unit") {
  runner unit("steps", R"~([{"filter": "n <> 5"}, {"select": [{"m": "n - 7"}]}, {"derive": {"q": "100 / m"}}])~",
              "n bigint, s text", on_error::reject);
  unit.feed(with_positions(rows("n bigint, s text", R"~([[5, "a"], [7, "b"], [8, "c"]])~"), 3, 10));
  unit.feed(with_positions(rows("n bigint, s text", R"~([[9, "d"], [7, "e"]])~"), 3, 20)).end();
  CHECK(unit.lines() == lines{"1|100", "2|50"});
  REQUIRE(unit.out.rejects.size() == 2);
  CHECK(unit.out.rejects[0].record == "7|b");
  CHECK(unit.out.rejects[0].position.offset == 11);
  CHECK(unit.out.rejects[1].record == "7|e");
  CHECK(unit.out.rejects[1].position.offset == 21);
  CHECK(counters_of(unit)["derive"].rejected == 2);
  // Rows that leave have their own positions again.
  CHECK(position_at(*unit.out.ports[0][0].positions, 0).offset == 12);
  CHECK(position_at(*unit.out.ports[0][1].positions, 0).offset == 20);
}

TEST_CASE("without positions none are made up, also where rows are rejected") {
  runner unit("steps", R"~([{"derive": {"q": "100 / n"}}])~", "n bigint", on_error::reject);
  unit.feed("[[0], [1]]").end();
  CHECK(unit.lines() == lines{"1|100"});
  CHECK(unit.out.ports[0][0].positions == nullptr);
  CHECK(unit.out.rejects[0].position == position::unknown);
}

TEST_CASE("rows that stayed in a sort are still rejected as they entered") {
  runner unit("steps",
              R"~([{"derive": {"k": "-n"}}, {"sort": ["k"]}, {"derive": {"q": "100 / (n - 2)"}}, {"drop": ["k"]}])~",
              "n bigint, s text", on_error::reject);
  unit.feed(with_positions(rows("n bigint, s text", R"~([[1, "a"], [2, "b"]])~"), 0, 10));
  unit.feed(with_positions(rows("n bigint, s text", R"~([[2, "c"], [3, "d"]])~"), 0, 20)).end();
  CHECK(unit.lines() == lines{"3|d|100", "1|a|-100"});
  REQUIRE(unit.out.rejects.size() == 2);
  CHECK(unit.out.rejects[0].record == "2|b");
  CHECK(unit.out.rejects[1].record == "2|c");
  CHECK(unit.out.rejects[1].position.offset == 20);
  CHECK(position_at(*unit.out.ports[0][0].positions, 0).offset == 21);
  counters_of(unit);
}

TEST_CASE("rows that only pass through a sort keep their own positions") {
  runner unit("steps", R"~([{"filter": "10 / n > 0"}, {"sort": ["n"]}])~", "n bigint", on_error::reject);
  unit.feed(with_positions(rows("n bigint", "[[3], [0]]"), 0, 10));
  unit.feed(with_positions(rows("n bigint", "[[2]]"), 0, 20)).end();
  CHECK(unit.lines() == lines{"2", "3"});
  CHECK(position_at(*unit.out.ports[0][0].positions, 0).offset == 20);
  CHECK(position_at(*unit.out.ports[0][0].positions, 1).offset == 10);
}

TEST_CASE("what an aggregate inside of steps makes is rejected as it made it") {
  runner unit("steps", R"~([{"aggregate": {"by": ["k"], "compute": {"s": "sum(n)"}}}, {"derive": {"q": "1 / s"}}])~",
              "k text, n bigint", on_error::reject);
  unit.feed(R"~([["a", 1], ["b", 5], ["b", -5], ["a", 0]])~").end();
  CHECK(unit.lines() == lines{"a|1|1"});
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].record == "b|0");
  CHECK(unit.out.merged == 2);
  counters_of(unit);
}

TEST_CASE("a limit inside of steps ends the steps behind it and satisfies the unit") {
  runner unit("steps", R"~([{"filter": "n > 0"}, {"limit": 3}, {"sort": ["n desc"]}])~", "n bigint");
  unit.feed("[[1], [0], [2]]");
  CHECK(!unit.unit().satisfied());
  unit.feed("[[3], [4]]");
  CHECK(unit.unit().satisfied());
  CHECK(unit.lines() == lines{"3", "2", "1"});
  unit.feed("[[9]]").end();
  CHECK(unit.lines() == lines{"3", "2", "1"});
  CHECK(unit.out.filtered == 3);
  counters_of(unit);
}

TEST_CASE("sort and limit inside of steps give the first rows") {
  runner unit("steps", R"~([{"sort": ["n desc"]}, {"limit": 2}])~", "n bigint");
  unit.feed("[[1], [5], [2]]").feed("[[3], [4]]").end();
  CHECK(unit.lines() == lines{"5", "4"});
  CHECK(unit.out.filtered == 3);
}

TEST_CASE("faults inside of steps name the step") {
  runner unknown("steps", R"~([{"filter": "n > 1"}, {"derive": {"d": "m * 2"}}])~", "n bigint");
  REQUIRE(unknown.faults.size() == 1);
  CHECK(unknown.faults[0].path == "/steps/1/derive/d");
  runner typo("steps", R"~([{"filtr": "n > 1"}])~", "n bigint");
  REQUIRE(typo.faults.size() == 1);
  CHECK(typo.faults[0].code == "unknown_component");
  CHECK(typo.faults[0].hint == "did you mean `filter`?");
  runner route("steps", R"~([{"route": {"a": "n > 1"}}, {"limit": 1}])~", "n bigint");
  REQUIRE(route.faults.size() == 1);
  CHECK(route.faults[0].path == "/steps/0");
}

TEST_CASE("a route may be the last step") {
  runner unit("steps", R"~([{"filter": "n > 0"}, {"route": {"a": "n > 1", "default": "rest"}}])~", "n bigint");
  unit.feed("[[0], [1], [2]]").end();
  CHECK(unit.lines(0) == lines{"2"});
  CHECK(unit.lines(1) == lines{"1"});
}

TEST_CASE("steps ask for the columns that their chain reads") {
  runner unit("steps", R"~([{"filter": "a > 0"}, {"rename": {"b": "c"}}, {"drop": ["d"]}])~",
              "a bigint, b bigint, d bigint, e bigint");
  CHECK(*unit.unit().required_columns(0, {"c"}) == lines{"a", "b"});
}

TEST_CASE("an error of a later step fails the call that caused it") {
  runner unit("steps", R"~([{"filter": "n >= 0"}, {"derive": {"q": "1 / n"}}])~", "n bigint");
  const auto failed = unit.try_feed(rows("n bigint", "[[1], [0]]"));
  REQUIRE(!failed.ok());
  CHECK(failed.problem().code == "division_by_zero");
}
