#include "engine/component/checks_rules.hpp"
#include "engine/component/reads_back.hpp"
#include "engine/formats/csv/writer.hpp"
#include "engine/plan/read_back_sink.hpp"
#include "tests/support/collector.hpp"
#include "tests/support/temporary_folder.hpp"

#include <fstream>
#include <functional>
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

namespace {

/// A sink that writes other rows than it was given: the text of a CSV file with what `changes` makes of it.
class careless_sink final : public sink, public reads_back {
 public:
  careless_sink(std::string path, std::function<std::string(std::string)> changes)
      : path_(std::move(path)), changes_(std::move(changes)) {}
  status open(std::uint32_t) override { return {}; }
  status write(const batch& in, row_errors& refused) override {
    csv::writer one({}, in.data->schema());
    one.write(*in.data);
    text_.append(one.data(), one.size());
    loaded_ += static_cast<std::uint64_t>(in.rows());
    if (refuses_last) refused.push_back({in.rows() - 1, "refused", "", "no"});
    return {};
  }
  result<prepared_epoch> prepare(std::uint64_t) override {
    std::ofstream(path_) << "id,name,amount\n" << changes_(text_);
    return prepared_epoch{{.loaded = loaded_, .target = "out"}, "token"};
  }
  status commit(const std::string&) override { return {}; }
  status recover(const std::vector<std::string>&) override { return {}; }
  void abort() noexcept override {}
  result<std::vector<staged_source>> staged(const std::string& token) override {
    CHECK(token == "token");
    return std::vector<staged_source>{
        {.component = "csv",
         .own = options({{"path", path_}}),
         .types = options({{"id", "bigint"}, {"name", "text"}, {"amount", "decimal(12,2)"}}),
         .files = {path_}}};
  }
  bool refuses_last = false;

 private:
  std::string path_;
  std::function<std::string(std::string)> changes_;
  std::string text_;
  std::uint64_t loaded_ = 0;
};

/// What prepare says of a hundred thousand rows; of the rules what they found.
std::string written(const std::string& severity, std::function<std::string(std::string)> changes,
                    std::vector<rule_result>* rules = nullptr, bool refuses_last = false) {
  const test::temporary_folder folder;
  const auto context = test_context();
  planned_unit unit;
  unit.definition.name = "out";
  unit.definition.own = options({{"reconcile", options({{"key", options::array({"id"})}, {"severity", severity}})}});
  unit.inputs = {{.unit = "rows", .schema = schema_of(columns)}};
  auto careless = std::make_unique<careless_sink>(folder.file("written.csv"), std::move(changes));
  careless->refuses_last = refuses_last;
  const auto checked = must(compare_with_written(std::move(careless), unit, context));
  REQUIRE(checked->open(1).ok());
  std::string lines;
  for (int id = 1; id <= 100'000; ++id) {
    lines += (lines.empty() ? "[[" : ",[") + std::to_string(id) + ", \"n\", \"1.00\"]";
    if (id % 25'000 != 0) continue;
    row_errors refused;
    REQUIRE(checked->write(rows(schema_of(columns), lines + "]"), refused).ok());
    CHECK(refused.size() == (refuses_last ? 1 : 0));
    lines.clear();
  }
  const auto made = checked->prepare(1);
  if (rules != nullptr) *rules = dynamic_cast<const checks_rules&>(*checked).rules();
  return made.ok() ? "equal" : made.problem().code + " " + made.problem().message;
}

}  // namespace

TEST_CASE("what a sink has written is read back and compared before it is visible") {
  const auto same = [](const std::string& text) { return text; };
  const auto one_cell = [](std::string text) { return text.replace(text.find("\n73451,n,1.00") + 9, 4, "1.01"); };
  std::vector<rule_result> rules;
  CHECK(written("fail", same, &rules) == "equal");
  REQUIRE(rules.size() == 1);
  CHECK(rules[0].checked == 100'000);
  CHECK(rules[0].broken == 0);
  const std::string said =
      "100000 rows here, 100000 in the target; columns that differ: amount (sum 100000.00 here, "
      "100000.01 in the target); 1 key differs: 73451 (amount)";
  CHECK(written("fail", one_cell, &rules) ==
        "not_reconciled the target out would hold other rows than those that arrived: " + said);
  CHECK(rules[0].fails);
  CHECK(written("warn", one_cell, &rules) == "equal");
  CHECK_FALSE(rules[0].fails);
  CHECK(rules[0].message == said);
  CHECK(written("fail", [](const std::string& text) {
          return text.substr(0, text.rfind("100000,"));
        }).ends_with("1 key differs: 100000 (not in the target)"));
  // Rows that the sink refuses are not expected in the target; here they are.
  const auto refused = written("fail", same, nullptr, true);
  CHECK(refused.find("99996 rows here, 100000 in the target") != std::string::npos);
  CHECK(refused.find("4 keys differ: ") != std::string::npos);
  CHECK(refused.find("75000 (only in the target)") != std::string::npos);
  CHECK(written("fail", [](std::string text) { return text.replace(0, 1, "x"); }).find("reconcile can't read back") !=
        std::string::npos);
}
