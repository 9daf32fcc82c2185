#include "engine/component/checks_rules.hpp"
#include "tests/support/collector.hpp"

#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr auto columns = "id bigint, name text, amount decimal(12,2)";

runner reconcile(const std::string& own = R"({"key": ["id"]})", const std::string& there = columns) {
  return runner("reconcile", own, {{"rows", schema_of(columns)}, {"orders", schema_of(there)}});
}

/// The message of the failure at the end; "equal" without one.
std::string outcome(runner unit, const std::string& here, const std::string& there) {
  unit.feed(here).feed(there, 1).end(0);
  const auto ended = unit.try_end(1);
  return ended.ok() ? "equal" : ended.problem().code + " " + ended.problem().message;
}

}  // namespace

TEST_CASE("equal rows reconcile in any order, and all pass on") {
  auto unit = reconcile();
  unit.feed(R"([[1, "a", "1.00"], [2, null, "2.00"]])").feed(R"([[2, null, "2.00"]])", 1);
  unit.feed(R"([[1, "a", "1.00"]])", 1).end();
  CHECK(unit.lines() == lines{"1|a|1.00", "2|null|2.00"});
  CHECK(outcome(reconcile(R"({"key": ["id"]})", "amount decimal(20,4), id integer"), R"([[1, "a", "1.50"]])",
                R"([["1.5000", 1]])") == "equal");
}

TEST_CASE("the message says which columns and keys differ, and by how much") {
  CHECK(outcome(reconcile(), R"([[1, "a", "1.00"], [2, "b", "2.00"]])", R"([[1, "a", "1.00"], [2, "b", "2.01"]])") ==
        "not_reconciled the rows differ from those of orders: 2 rows here, 2 in orders; columns that differ: amount "
        "(sum 3.00 here, 3.01 in orders); 1 key differs: 2 (amount)");
  CHECK(outcome(reconcile(), R"([[1, "a", "1.00"]])", R"([[1, "a", "1.00"], [2, "b", "2.00"]])")
            .ends_with("1 key differs: 2 (only in orders)"));
  CHECK(outcome(reconcile(), R"([[1, "a", "1.00"], [2, "b", "2.00"]])", R"([[1, "a", "1.00"]])")
            .ends_with("1 key differs: 2 (not in orders)"));
  // Swapped values have the same sums and hashes of columns; the rows differ all the same.
  const auto swapped =
      outcome(reconcile(), R"([[1, "a", "1.00"], [2, "b", "2.00"]])", R"([[1, "b", "1.00"], [2, "a", "2.00"]])");
  CHECK(swapped.find("2 keys differ: ") != std::string::npos);
  CHECK(swapped.find("1 (name)") != std::string::npos);
}

TEST_CASE("a null is not an empty text, and columns that are not named are not compared") {
  CHECK(outcome(reconcile(), R"([[1, null, "1.00"]])", R"([[1, "", "1.00"]])") != "equal");
  CHECK(outcome(reconcile(R"({"key": ["id"], "columns": ["amount"]})"), R"([[1, null, "1.00"]])",
                R"([[1, "", "1.00"]])") == "equal");
}

TEST_CASE("a warning lets the run go on and says the same") {
  auto unit = reconcile(R"({"key": ["id"], "severity": "warn"})");
  unit.feed(R"([[1, "a", "1.00"]])").end();
  const auto rule = dynamic_cast<const checks_rules&>(unit.unit()).rules().at(0);
  CHECK(rule.broken == 1);
  CHECK_FALSE(rule.fails);
  CHECK_FALSE(rule.within_limit);
  CHECK(rule.message ==
        "1 row here, 0 in orders; columns that differ: name, amount (sum 1.00 here, 0.00 in orders); "
        "1 key differs: 1 (not in orders)");
}

TEST_CASE("one changed cell in a million rows is found, and many changes are counted about right") {
  const auto schema = schema_of("id bigint, v bigint");
  const auto column = [](std::int64_t count, auto value) {
    arrow::Int64Builder builder;
    for (std::int64_t i = 0; i < count; ++i) REQUIRE(builder.Append(value(i)).ok());
    return builder.Finish().ValueOrDie();
  };
  const auto message = [&](auto changed) {
    runner unit("reconcile", R"({"key": ["id"]})", {{"rows", schema}, {"orders", schema}});
    constexpr std::int64_t rows = 1'000'000, step = 50'000;
    for (std::int64_t at = 0; at < rows; at += step) {
      unit.feed(
          batch_of(schema, {column(step, [&](auto i) { return at + i; }), column(step, [&](auto i) { return i; })}));
      // The other one comes from behind.
      unit.feed(
          batch_of(schema, {column(step, [&](auto i) { return rows - 1 - at - i; }),
                            column(step, [&](auto i) { return step - 1 - i + (changed(rows - 1 - at - i) ? 1 : 0); })}),
          1);
    }
    unit.end(0);
    const auto ended = unit.try_end(1);
    REQUIRE_FALSE(ended.ok());
    return ended.problem().message;
  };
  CHECK(message([](std::int64_t id) { return id == 734'512; }).ends_with("; 1 key differs: 734512 (v)"));
  const auto many = message([](std::int64_t id) { return id % 10 == 0; });
  const auto at = many.find("about ");
  REQUIRE(at != std::string::npos);
  const auto keys = std::stoll(many.substr(at + 6));
  CHECK(keys > 40'000);
  CHECK(keys < 250'000);
  CHECK(many.ends_with("0 (v) ..."));
}

TEST_CASE("what was compared so far goes on in another instance") {
  auto first = reconcile();
  first.feed(R"([[1, "a", "1.00"]])").feed(R"([[2, "b", "2.00"]])", 1);
  auto second = reconcile();
  must(second.unit().restore(must(first.unit().state({}))));
  second.feed(R"([[2, "b", "2.00"]])").end(0);
  const auto ended = second.try_end(1);
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.problem().message.find("2 rows here, 1 in orders") != std::string::npos);
  CHECK(ended.problem().message.ends_with("1 key differs: 1 (not in orders)"));
}

TEST_CASE("columns that can't be compared are refused where they stand") {
  const auto fault = [](const std::string& own, const std::string& there) {
    runner unit("reconcile", own, {{"rows", schema_of(columns)}, {"orders", schema_of(there)}});
    return unit.faults.empty() ? "none" : unit.faults[0].code + " " + unit.faults[0].path;
  };
  CHECK(fault(R"({"key": ["id"]})", "id bigint, name bigint") == "type_mismatch /reconcile");
  CHECK(fault(R"({"key": ["k"]})", columns) == "unknown_column /reconcile/key/0");
  CHECK(fault(R"({"key": []})", columns) == "invalid_option /reconcile");
  CHECK(fault(R"({"key": ["id"], "columns": ["x"]})", columns) == "unknown_column /reconcile/columns/0");
}
