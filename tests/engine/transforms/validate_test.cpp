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
  CHECK(first_fault(R"~({"r": {"check": "a > 1", "severity": "warn"}})~")
            .starts_with("not_supported_yet /validate/r/check severity: warn"));
  CHECK(first_fault(R"~({"r": {"check": "a > 1", "allow": "lots"}})~")
            .starts_with("invalid_option /validate/r/check allow is a number"));
}
