// Window functions in derive and select. That they give what PostgreSQL gives, tests/postgres compares at random.
#include "tests/support/collector.hpp"

#include "engine/expression/functions.hpp"

#include <sstream>

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::string five = R"~([["a", 1, 10], ["b", 1, 20], ["a", 3, 30], ["a", 2, null], ["b", 2, 50]])~";

// One derived column over (k text, t bigint, v bigint), all columns of the rows that come out.
lines derived(const std::string& text, const std::string& rows = five) {
  runner unit("derive", options{{"x", text}}.dump(), "k text, t bigint, v bigint");
  unit.feed(rows).end();
  return unit.lines();
}

}  // namespace

TEST_CASE("rows come out sorted by partition and order, with the result beside them") {
  CHECK(derived("row_number() over (partition by k order by t)") ==
        lines{"a|1|10|1", "a|2|null|2", "a|3|30|3", "b|1|20|1", "b|2|50|2"});
  CHECK(derived("row_number() over (partition by k order by t desc)") ==
        lines{"a|3|30|1", "a|2|null|2", "a|1|10|3", "b|2|50|1", "b|1|20|2"});
  CHECK(derived("sum(v) over ()") == lines{"a|1|10|110", "b|1|20|110", "a|3|30|110", "a|2|null|110", "b|2|50|110"});
}

TEST_CASE("a running sum, a moving average and a total of the partition share one sort") {
  runner unit("derive", R"~({"running": "sum(v) over (partition by k order by t)",
                             "near": "avg(v) over (partition by k order by t rows between 1 preceding and 1 following)",
                             "share": "round(v * 100.0 / sum(v) over (partition by k), 1)"})~",
              "k text, t bigint, v bigint");
  unit.feed(five).end();
  CHECK(unit.lines() == lines{"a|1|10|10|10|25.0", "a|2|null|10|20|null", "a|3|30|40|30|75.0", "b|1|20|20|35|28.6",
                              "b|2|50|70|35|71.4"});
}

TEST_CASE("a window may read what an earlier entry computed, also with another window") {
  runner unit("derive", R"~({"w": "coalesce(v, 0) * 2", "total": "sum(w) over (partition by k)",
                             "rank": "rank() over (order by total desc)", "label": "k || rank"})~",
              "k text, t bigint, v bigint");
  unit.feed(five).end();
  CHECK(unit.lines() == lines{"b|1|20|40|140|1|b1", "b|2|50|100|140|1|b1", "a|1|10|20|80|3|a3", "a|3|30|60|80|3|a3",
                              "a|2|null|0|80|3|a3"});
}

TEST_CASE("an entry with a window can replace a column") {
  CHECK(derived("1 + 0").size() == 5);
  runner unit("derive", R"~({"v": "lag(v) over (partition by k order by t)", "d": "t - v"})~",
              "k text, t bigint, v bigint");
  unit.feed(five).end();
  CHECK(unit.lines() == lines{"a|1|null|null", "a|2|10|-8", "a|3|null|null", "b|1|null|null", "b|2|20|-18"});
}

TEST_CASE("select takes window functions, and columns under other names beside them") {
  runner unit("select", R"~(["k", {"at": "t"}, {"n": "count(*) over (partition by k)"}])~",
              "k text, t bigint, v bigint");
  unit.feed(five).end();
  CHECK(unit.lines() == lines{"a|1|3", "a|3|3", "a|2|3", "b|1|2", "b|2|2"});
}

TEST_CASE("every window function gives what its example says") {
  for (const auto& each : expression::functions()) {
    if (each.kind != "window") continue;
    INFO(each.name << ": " << each.example);
    runner unit("select", options::array({options{{"x", each.example}}}).dump(), "x integer, good boolean");
    unit.feed("[[3, true], [1, true], [null, null], [1, false]]").end();
    std::string all;
    for (const auto& line : unit.lines()) all += (all.empty() ? "" : ", ") + line;
    CHECK(all == each.result);
  }
}

TEST_CASE("peers are rows with equal keys: -0 and 0, NaN and NaN, intervals of equal length") {
  runner unit("select", R"~([{"n": "count(*) over (order by f)"}])~", "f double");
  unit.feed("[[0.0], [-0.0], [NaN], [NaN], [1]]").end();
  CHECK(unit.lines() == lines{"2", "2", "3", "5", "5"});
  runner spans("select", R"~([{"n": "count(*) over (partition by s)"}])~", "s interval");
  spans.feed("[[[1, 0, 0]], [[0, 30, 0]], [[0, 1, 0]]]").end();
  CHECK(spans.lines() == lines{"1", "2", "2"});
}

TEST_CASE("a sum over a frame is exact, whatever left the frame before") {
  runner unit("select", R"~([{"s": "sum(f) over (order by t rows between 1 preceding and current row)"}])~",
              "t bigint, f double");
  unit.feed("[[1, 1e300], [2, 1], [3, 1e-300], [4, Inf], [5, 2], [6, 3], [7, NaN], [8, 4], [9, 5]]").end();
  CHECK(unit.lines() == lines{"1e+300", "1e+300", "1", "Infinity", "Infinity", "5", "NaN", "NaN", "9"});
}

TEST_CASE("errors of arguments reject their row before the windows see it, errors of results behind them") {
  runner unit("derive", R"~({"x": "sum(10 / v) over (order by t)"})~", "k text, t bigint, v bigint", on_error::reject);
  unit.feed(R"~([["a", 1, 5], ["b", 2, 0], ["c", 3, 2]])~").end();
  CHECK(unit.lines() == lines{"a|1|5|2", "c|3|2|7"});
  CHECK(unit.out.rejects.size() == 1);
  runner sums("derive", R"~({"x": "sum(v) over (order by t)"})~", "t bigint, v bigint", on_error::reject);
  sums.feed("[[1, 9223372036854775807], [2, 1], [3, -5]]").end();
  CHECK(sums.lines() == lines{"1|9223372036854775807|9223372036854775807", "3|-5|9223372036854775803"});
  runner tiles("derive", R"~({"x": "ntile(v) over (order by t)"})~", "t bigint, v bigint");
  CHECK(tiles.try_feed(rows(tiles.request.inputs[0].schema, "[[1, 0]]")).ok());
  CHECK(tiles.try_end().problem().message.find("ntile expects a number of parts above 0, found 0") !=
        std::string::npos);
}

TEST_CASE("a filter shields the argument behind it") {
  CHECK(derived("sum(10 / (v - 10)) filter (where v <> 10) over (partition by k)",
                R"~([["a", 1, 10], ["a", 2, 20]])~") == lines{"a|1|10|1", "a|2|20|1"});
}

TEST_CASE("what can't be a window is refused where it stands") {
  const auto fault = [](const std::string& text, const char* operation = "derive") {
    runner unit(operation, operation == std::string("filter") ? options(text).dump() : options{{"x", text}}.dump(),
                "k text, t bigint, v bigint, l bigint[]");
    return unit.faults.empty() ? "none"
                               : unit.faults[0].code + "@" + std::to_string(unit.faults[0].offset.value_or(999)) + " " +
                                     unit.faults[0].message;
  };
  CHECK(fault("row_number()") == "misplaced_window_function@0 the window function row_number needs over (...)");
  CHECK(fault("sum(v) over w") == "invalid_expression@12 expected ( after over, found w");
  CHECK(fault("row_number() over (order by t) > 1", "filter").starts_with("misplaced_window_function@0"));
  CHECK(fault("sum(sum(v) over ()) over ()").starts_with("nested_window_function@4"));
  CHECK(fault("sum(sum(v)) over ()").starts_with("misplaced_aggregate@4"));
  CHECK(fault("upper(k) over ()").starts_with("invalid_expression@0 upper is neither"));
  CHECK(fault("count(distinct v) over ()").starts_with("not_supported_yet@0"));
  CHECK(fault("lag(v, 1, 'x') over (order by t)").starts_with("invalid_literal@"));
  CHECK(fault("sum(v) over (order by l)").starts_with("not_supported_yet@22 an order by a value of type bigint[]"));
  CHECK(fault("sum(v) over (order by t rows between 1 following and current row)") ==
        "invalid_expression@24 the frame ends before it starts");
  CHECK(fault("sum(v) over (order by t rows between t preceding and current row)")
            .starts_with("invalid_expression@37 the offset of a frame must be a constant"));
  CHECK(fault("sum(v) over (order by t rows -1 preceding)")
            .starts_with("invalid_expression@29 the offset of a frame can't be negative"));
  CHECK(fault("sum(v) over (order by k range 1 preceding)")
            .starts_with("not_supported_yet@24 range with an offset is not supported for an order by text"));
  CHECK(fault("sum(v) over (order by t, k range 1 preceding)")
            .starts_with("invalid_expression@27 range with an offset needs exactly one key"));
  CHECK(fault("sum(v) over (groups 1 preceding)").starts_with("invalid_expression@13 groups needs order by"));
  CHECK(fault("sum(nope) over (partition by k)") == "unknown_column@4 there is no column nope");
}

TEST_CASE("a column called over is no window") {
  runner unit("derive", R"~({"x": "over + 1", "y": "(over) * 2"})~", "over bigint");
  unit.feed("[[1]]").end();
  CHECK(unit.lines() == lines{"1|2|2"});
}

TEST_CASE("rows beyond the memory are sorted on disk, and a running sum needs no memory for its partition") {
  runner::setup small{.memory_bytes = std::int64_t{4} << 20};
  runner unit("select", R"~([{"n": "row_number() over (order by v)"}, {"s": "sum(v) over (order by v)"}])~",
              {{"source", schema_of("v bigint, pad text")}}, small);
  const std::int64_t count = 200'000;
  for (std::int64_t begin = 0; begin < count; begin += 10'000) {
    std::ostringstream json;
    json << "[";
    for (auto i = begin; i < begin + 10'000; ++i)
      json << (i > begin ? "," : "") << "[" << (i * 7919) % count << ",\"" << std::string(50, 'x') << "\"]";
    json << "]";
    unit.feed(json.str());
  }
  unit.end();
  const auto all = unit.lines();
  REQUIRE(all.size() == static_cast<std::size_t>(count));
  bool right = true;
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    sum += i;
    right = right && all[static_cast<std::size_t>(i)] == std::to_string(i + 1) + "|" + std::to_string(sum);
  }
  CHECK(right);
  runner whole("select", R"~([{"s": "ntile(3) over (order by v)"}])~", {{"source", schema_of("v bigint, pad text")}},
               small);
  for (std::int64_t begin = 0; begin < count; begin += 10'000) {
    std::ostringstream json;
    json << "[";
    for (auto i = begin; i < begin + 10'000; ++i)
      json << (i > begin ? "," : "") << "[" << i << ",\"" << std::string(50, 'x') << "\"]";
    json << "]";
    must(whole.try_feed(rows(whole.request.inputs[0].schema, json.str())));
  }
  const auto ended = whole.try_end();
  REQUIRE(!ended.ok());
  CHECK(ended.problem().code == "memory_exceeded");
}
