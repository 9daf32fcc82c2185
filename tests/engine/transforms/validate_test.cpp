#include "engine/component/checks_rules.hpp"
#include "engine/component/spilled_state.hpp"
#include "tests/support/collector.hpp"

using namespace sluice;
using namespace sluice::testing;

namespace {

std::string first_fault(const std::string& rules, const std::string& schema = "a bigint, t text, l bigint[]") {
  runner unit("validate", rules, schema);
  return unit.faults.empty() ? "none" : unit.faults[0].code + " " + unit.faults[0].path + " " + unit.faults[0].message;
}

}  // namespace

TEST_CASE("rows that break a rule are rejected with its name and reason, null passes") {
  runner unit(
      "validate",
      R"~({"some": {"not_null": ["a"]}, "small": {"range": {"a": [0, 10]}}, "code": {"matches": {"t": "^[a-z]+$"}},
                               "known": {"in": {"t": ["x", "y"]}}, "odd": {"check": "a % 2 = 1"}})~",
      "a bigint, t text");
  unit.feed(R"~([[1, "x"], [null, "y"], [11, "x"], [3, "Q"], [5, "z"], [2, "x"], [7, null]])~").end();
  CHECK(unit.lines() == lines{"1|x", "7|null"});
  REQUIRE(unit.out.rejects.size() == 5);
  const auto told = [&](std::size_t i) {
    return unit.out.rejects[i].why.code + " " + unit.out.rejects[i].why.column + ": " + unit.out.rejects[i].why.message;
  };
  CHECK(told(0) == "rule_broken some: a is null");
  CHECK(told(1) == "rule_broken small: a is not between 0 and 10");
  CHECK(told(2) == "rule_broken code: t does not match '^[a-z]+$'");
  CHECK(told(3) == "rule_broken known: t is none of 'x', 'y'");
  CHECK(told(4) == "rule_broken odd: a % 2 = 1 is not true");
}

TEST_CASE("open bounds, dates and decimals are compared as what they are") {
  runner unit("validate", R"~({"r": {"range": {"a": [null, 5], "d": ["2024-01-01", null]}}})~",
              "a decimal(5,2), d date");
  unit.feed(R"~([["4.99", 19724], ["5.01", 19724], ["1.00", 19000]])~").end();
  CHECK(unit.lines() == lines{"4.99|2024-01-02"});
}

TEST_CASE("unique keeps the first row of a key, over batches; null is never equal") {
  runner unit("validate", R"~({"once": {"unique": ["a", "t"], "severity": "reject"}})~", "a bigint, t text");
  unit.feed(R"~([[1, "x"], [1, "y"], [1, "x"], [null, "x"], [null, "x"]])~").feed(R"~([[1, "y"], [2, "x"]])~").end();
  CHECK(unit.lines() == lines{"1|x", "1|y", "null|x", "null|x", "2|x"});
  CHECK(unit.out.rejects.size() == 2);
  CHECK(unit.out.rejects[1].why.message == "a, t is not unique: an earlier row has the same value");
  CHECK(unit.unit().needs_order());
}

TEST_CASE("unique and severity fail end the run and name the rule") {
  runner unit("validate", R"~({"once": {"unique": ["a"]}})~", "a bigint");
  const auto ended = unit.try_feed(rows(unit.request.inputs[0].schema, "[[1], [1]]"));
  REQUIRE(!ended.ok());
  CHECK(ended.problem().code == "rule_broken");
  CHECK(ended.problem().message.find("once") != std::string::npos);
  CHECK(unit.out.rejects.size() == 1);
}

TEST_CASE("allow limits how many rows break a rule, by number and by share") {
  const auto run = [](const std::string& rule, int bad) {
    runner unit("validate", "{\"low\": {\"range\": {\"a\": [0, 9]}, " + rule + "}}", "a bigint");
    std::string json = "[[1]";
    for (int i = 1; i < 100; ++i) json += i <= bad ? ",[10]" : ",[1]";
    auto ended = unit.try_feed(rows(unit.request.inputs[0].schema, json + "]"));
    if (ended.ok()) ended = unit.try_end();
    return (ended.ok() ? "ok" : ended.problem().message) + " " + std::to_string(unit.out.out);
  };
  CHECK(run(R"("allow": 3)", 3) == "ok 97");
  CHECK(run(R"("allow": 3)", 4).starts_with("rule low of unit unit_under_test: 4 of 100 rows break it, allowed are 3"));
  CHECK(run(R"("allow": "3%")", 3) == "ok 97");
  CHECK(run(R"("allow": "3%")", 4)
            .starts_with("rule low of unit unit_under_test: 4 of 100 rows break it, allowed are 3%"));
  CHECK(run(R"("allow": 3, "severity": "fail")", 3) == "ok 100");
  CHECK(run(R"("allow": 3, "severity": "fail")", 4).find("a is not between 0 and 9") != std::string::npos);
}

TEST_CASE("a rule about the number of rows is judged at the end") {
  runner few("validate", R"~({"enough": {"rows": [2, null]}})~", "a bigint");
  few.feed("[[1]]");
  CHECK(few.try_end().problem().message == "rule enough of unit unit_under_test: expected 2 rows or more, found 1");
  runner good("validate", R"~({"enough": {"rows": [1, 1]}})~", "a bigint");
  good.feed("[[1]]").end();
  CHECK(good.lines() == lines{"1"});
}

TEST_CASE("an error in a check is one of its row, as on_error says") {
  runner unit("validate", R"~({"c": {"check": "10 / a > 1"}, "r": {"range": {"a": [null, 4]}}})~", "a bigint",
              on_error::reject);
  unit.feed("[[0], [2], [8], [5]]").end();
  CHECK(unit.lines() == lines{"2"});
  CHECK(unit.out.rejects.size() == 3);
}

TEST_CASE("rules that can't be are refused where they stand") {
  CHECK(first_fault(R"~({"r": {"severity": "fail"}})~")
            .starts_with("invalid_option /validate/r a rule has exactly one of"));
  CHECK(first_fault(R"~({"r": {"not_null": ["a"], "unique": ["a"]}})~").starts_with("invalid_option /validate/r"));
  CHECK(first_fault(R"~({"r": {"not_null": ["b"]}})~").starts_with("unknown_column /validate/r/not_null/0"));
  CHECK(first_fault(R"~({"r": {"matches": {"t": "("}}})~").starts_with("invalid_pattern /validate/r/matches/t"));
  CHECK(first_fault(R"~({"r": {"range": {"a": [1]}}})~").starts_with("invalid_option /validate/r/range/a"));
  CHECK(first_fault(R"~({"r": {"range": {"a": ["x", 1]}}})~").starts_with("invalid_literal /validate/r/range/a"));
  CHECK(first_fault(R"~({"r": {"check": "t > 1"}})~").starts_with("type_mismatch /validate/r/check"));
  CHECK(first_fault(R"~({"r": {"unique": ["l"]}})~").starts_with("not_supported_yet /validate/r/unique/0"));
  CHECK(first_fault(R"~({"r": {"check": "a > 1", "allow": "lots"}})~")
            .starts_with("invalid_option /validate/r/check allow is a number"));
}

namespace {

std::string result_of(runner& unit, std::size_t at) {
  const auto one = dynamic_cast<const checks_rules&>(unit.unit()).rules().at(at);
  return one.rule + " " + one.severity + " " + std::to_string(one.broken) + "/" + std::to_string(one.checked) +
         (one.within_limit ? " within" : " beyond") + (one.fails ? " fails" : "") + ": " + one.message;
}

}  // namespace

TEST_CASE("rows pass a rule that warns, and are counted against its limit") {
  runner unit("validate",
              R"~({"low": {"range": {"a": [0, 9]}, "severity": "warn"}, "few": {"check": "a <> 7", "severity": "warn",
                  "allow": 1}, "share": {"not_null": ["a"], "severity": "warn", "allow": "10%"},
                  "once": {"unique": ["a"], "severity": "warn"}, "many": {"rows": [10, null], "severity": "warn"}})~",
              "a bigint");
  unit.feed("[[10], [7], [10], [null]]").end();
  CHECK(unit.lines() == lines{"10", "7", "10", "null"});
  CHECK(unit.out.rejects.empty());
  CHECK(result_of(unit, 0) == "low warn 2/4 beyond: a is not between 0 and 9");
  CHECK(result_of(unit, 1) == "few warn 1/4 within: a <> 7 is not true");
  CHECK(result_of(unit, 2) == "share warn 1/4 beyond: a is null");
  CHECK(result_of(unit, 3) == "once warn 1/4 beyond: a is not unique: an earlier row has the same value");
  CHECK(result_of(unit, 4) == "many warn 1/4 beyond: expected 10 rows or more, found 4");
}

TEST_CASE("the rule that fails the run says so in its result") {
  runner unit("validate", R"~({"some": {"not_null": ["a"]}, "low": {"check": "a < 9", "severity": "fail"}})~",
              "a bigint");
  CHECK_FALSE(unit.try_feed(rows(unit.request.inputs[0].schema, "[[1], [null], [9]]")).ok());
  CHECK(result_of(unit, 0) == "some reject 1/3 beyond: a is null");
  CHECK(result_of(unit, 1) == "low fail 1/3 beyond fails: a < 9 is not true");
}

TEST_CASE("references looks values up in the column of another unit, whichever comes first") {
  const auto unit_with = [](const std::string& rules) {
    return runner("validate", rules,
                  {{"orders", schema_of("id bigint, c integer")}, {"customers", schema_of("k bigint")}});
  };
  auto late = unit_with(R"~({"known": {"references": {"c": "customers.k"}}})~");
  late.feed("[[1, 7], [2, 8]]").feed("[[3, null], [4, 9]]").feed("[[7]]", 1);
  CHECK(late.lines().empty());
  CHECK(late.unit().held() == 4);
  late.feed("[[9]]", 1).end(1).feed("[[5, 8]]").end(0).check_law();
  CHECK(late.lines() == lines{"1|7", "3|null", "4|9"});
  REQUIRE(late.out.rejects.size() == 2);
  CHECK(late.out.rejects[0].record == "2|8");
  CHECK(late.out.rejects[0].why.message == "c is not in customers.k");
  auto nobody = unit_with(R"~({"known": {"references": {"c": "customers.k"}, "severity": "warn"}})~");
  nobody.end(1).feed("[[1, 7]]").end();
  CHECK(result_of(nobody, 0) == "known warn 1/1 beyond: c is not in customers.k");
  const auto fault = [&](const std::string& rules) {
    const auto unit = unit_with(rules);
    return unit.faults.empty() ? "none" : unit.faults[0].code + " " + unit.faults[0].path;
  };
  CHECK(fault(R"~({"r": {"references": {"c": "customers.z"}}})~") == "unknown_column /validate/r/references/c");
  CHECK(fault(R"~({"r": {"references": {"x": "customers.k"}}})~") == "unknown_column /validate/r/references/x");
  CHECK(first_fault(R"~({"r": {"references": {"a": "customers.k"}}})~")
            .starts_with("invalid_option /validate/r/references/a a step reads one unit only"));
}

TEST_CASE("what references has seen and what waits goes on in another instance") {
  const std::vector<input_port> inputs = {{"orders", schema_of("c bigint")}, {"customers", schema_of("k bigint")}};
  const std::string rules = R"~({"known": {"references": {"c": "customers.k"}}})~";
  runner first("validate", rules, inputs);
  first.feed("[[1], [2]]").feed("[[1]]", 1);
  runner second("validate", rules, inputs);
  must(second.unit().restore(must(first.unit().state({}))));
  second.fed = 2;
  second.feed("[[3]]", 1).end(1).feed("[[3]]").end(0);
  CHECK(second.lines() == lines{"1", "3"});
  CHECK(second.out.rejects.size() == 1);
}

TEST_CASE("rows that wait for another unit are spilled where memory is short") {
  runner unit("validate", R"~({"known": {"references": {"c": "customers.k"}}})~",
              {{"orders", schema_of("c bigint, t text")}, {"customers", schema_of("k bigint")}},
              {.memory_bytes = 1 << 20});
  const std::string pad(1000, 'x');
  std::string json = "[";
  for (int i = 0; i < 1000; ++i) json += (i > 0 ? ",[" : "[") + std::to_string(i) + ",\"" + pad + "\"]";
  for (int i = 0; i < 5; ++i) unit.feed(json + "]");
  unit.feed("[[5], [999]]", 1).end();
  CHECK(unit.lines().size() == 10);
  CHECK(unit.out.rejects.size() == 4990);
}

TEST_CASE("values that are referenced are spilled where memory is short, and what is on disk goes on elsewhere") {
  const std::string rules = R"~({"known": {"references": {"c": "customers.k"}},
                                 "named": {"references": {"t": "names.n"}, "severity": "warn"}})~";
  const std::vector<input_port> inputs = {
      {"orders", schema_of("c bigint, t text")}, {"customers", schema_of("k bigint")}, {"names", schema_of("n text")}};
  const auto teach = [](runner& unit, int from, int to) {
    for (int begin = from; begin < to; begin += 10'000) {
      std::string numbers = "[", names = "[";
      for (int i = begin; i < begin + 10'000; ++i) {
        numbers += (i > begin ? ",[" : "[") + std::to_string(3 * i) + "]";
        names += (i > begin ? ",[\"" : "[\"") + std::string("n") + std::to_string(3 * i) + "\"]";
      }
      unit.feed(numbers + "]", 1).feed(names + "]", 2);
    }
  };
  const auto orders = [](int from) {
    std::string rows = "[";
    for (int i = from; i < from + 3000; ++i)
      rows += (i > from ? ",[" : "[") + std::to_string(i) + ",\"n" + std::to_string(i) + "\"]";
    return rows + ",[null,null]]";
  };
  runner first("validate", rules, inputs, {.memory_bytes = 1 << 20});
  teach(first, 0, 50'000);
  first.feed(orders(0));
  auto& disk = dynamic_cast<spilled_state&>(first.unit());
  REQUIRE(disk.has_spilled());
  CHECK(first.unit().held() == 3001);
  runner second("validate", rules, inputs, {.memory_bytes = 1 << 20});
  must(second.unit().restore(must(first.unit().state({}))));
  auto& other = dynamic_cast<spilled_state&>(second.unit());
  must(disk.hand_out({}, [&](const state_part& part) { return other.take_in(part); }));
  CHECK(second.unit().held() == 3001);
  second.fed = 3001;
  teach(second, 50'000, 100'000);
  second.end(1).end(2).feed(orders(200'000)).feed(orders(300'000));
  // Nothing has to come out before a checkpoint wants it.
  must(second.unit().before_barrier(1, second.out));
  second.feed("[]");
  CHECK(second.unit().held() == 0);
  second.end(0).check_law();
  // Of three numbers one is known, up to 299,997; and each null passes.
  CHECK(second.lines().size() == 1000 + 1000 + 3);
  CHECK(second.lines().front() == "0|n0");
  CHECK(second.lines()[1001] == "200001|n200001");
  CHECK(second.out.rejects.size() == 2000 + 2000 + 3000);
  CHECK(result_of(second, 1).starts_with("named warn 7000/9003"));
}

TEST_CASE("keys of unique are spilled where memory is short, and what is on disk goes on elsewhere") {
  const std::string rules = R"~({"once": {"unique": ["a", "t"], "severity": "reject"}})~";
  const std::vector<input_port> inputs = {{"orders", schema_of("a bigint, t text")}};
  const auto feed = [](runner& unit, int from, int to) {
    for (int begin = from; begin < to; begin += 10'000) {
      std::string rows = "[";
      for (int i = begin; i < begin + 10'000; ++i)
        rows += (i > begin ? ",[" : "[") + std::to_string(i) + ",\"n" + std::to_string(i) + "\"]";
      unit.feed(rows + ",[null,\"n\"]]");
    }
  };
  runner first("validate", rules, inputs, {.memory_bytes = 1 << 20});
  feed(first, 0, 50'000);
  feed(first, 40'000, 60'000);
  auto& disk = dynamic_cast<spilled_state&>(first.unit());
  REQUIRE(disk.has_spilled());
  runner second("validate", rules, inputs, {.memory_bytes = 1 << 20});
  must(second.unit().restore(must(first.unit().state({}))));
  auto& other = dynamic_cast<spilled_state&>(second.unit());
  must(disk.hand_out({}, [&](const state_part& part) { return other.take_in(part); }));
  second.fed = second.unit().held();
  feed(second, 0, 10'000);
  feed(second, 60'000, 120'000);
  // Nothing has to come out before a checkpoint wants it.
  must(second.unit().before_barrier(1, second.out));
  second.feed("[]");
  CHECK(second.unit().held() == 0);
  feed(second, 110'000, 130'000);
  second.end(0).check_law();
  // Each of 130,000 keys once, and a null for each time that rows were fed.
  CHECK(first.lines().size() + second.lines().size() == 130'000 + 16);
  CHECK(first.out.rejects.size() + second.out.rejects.size() == 10'000 + 10'000 + 10'000);
  CHECK(second.lines().back() == "null|n");
}
