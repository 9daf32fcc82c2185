#include "engine/component/may_block.hpp"
#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

#include <algorithm>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::string columns = "k bigint, t text, n bigint, d double, m decimal(12,2)";

// Batches of 1,000 rows, their columns from few or many values, some null, in
// the order of the input.
std::vector<batch> made_up(int batches, std::int64_t keys) {
  std::mt19937_64 random(7);
  std::vector<batch> all;
  const auto schema = schema_of(columns);
  for (int number = 0; number < batches; ++number) {
    arrow::Int64Builder k, n;
    arrow::StringBuilder t;
    arrow::DoubleBuilder d;
    arrow::Decimal128Builder m(schema->field(4)->type());
    for (int row = 0; row < 1000; ++row) {
      const auto key = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(keys));
      (void)(key % 97 == 3 ? k.AppendNull() : k.Append(key));
      (void)(key % 89 == 5
                 ? t.AppendNull()
                 : t.Append("key " + std::string(static_cast<std::size_t>(key % 13), 'x') + std::to_string(key)));
      (void)n.Append(number * 1000 + row);
      (void)(random() % 11 == 0 ? d.AppendNull() : d.Append(std::ldexp(static_cast<double>(random()), -40 - key % 30)));
      (void)m.Append(arrow::Decimal128(static_cast<std::int64_t>(random() % 100'000)));
    }
    auto one =
        with_positions(batch_of(schema, {k.Finish().ValueOrDie(), t.Finish().ValueOrDie(), n.Finish().ValueOrDie(),
                                         d.Finish().ValueOrDie(), m.Finish().ValueOrDie()}),
                       static_cast<std::uint32_t>(number));
    one.order = {.split = static_cast<std::uint32_t>(number)};
    all.push_back(std::move(one));
  }
  return all;
}

struct outcome {
  lines rows;
  std::vector<position> positions;
  std::int64_t peak = 0;
};

outcome run(const std::string& name, const std::string& own, const std::vector<batch>& in, std::int64_t memory_bytes) {
  runner unit(name, own, {{"source", schema_of(columns)}}, {.memory_bytes = memory_bytes});
  for (const auto& one : in) unit.feed(one);
  unit.end();
  outcome made{unit.lines(), {}, unit.context.memory->peak()};
  if (!unit.out.ports.empty())
    for (const auto& part : unit.out.ports[0])
      for (std::int64_t row = 0; part.positions && row < part.rows(); ++row)
        made.positions.push_back(position_at(*part.positions, row));
  CHECK(unit.context.memory->reserved() < memory_bytes);
  return made;
}

// The same rows, in the same order, with the same positions, whether there is
// memory or not.
void check_same(const std::string& name, const std::string& own, const std::vector<batch>& in) {
  INFO(name << " " << own);
  const auto whole = run(name, own, in, std::int64_t{1} << 30);
  const auto limited = run(name, own, in, 300'000);
  REQUIRE(limited.rows.size() == whole.rows.size());
  CHECK(limited.rows == whole.rows);
  CHECK(limited.positions == whole.positions);
  if (name != "deduplicate") CHECK(limited.peak < whole.peak);
}

}  // namespace

TEST_CASE("a sort that does not fit into memory gives the same rows in the same order") {
  const auto in = made_up(30, 5000);
  check_same("sort", R"~(["t desc", "d"])~", in);
  check_same("sort", R"~(["k nulls first"])~", in);
  check_same("sort", R"~(["length(t)", "k + 1 desc"])~", in);
}

TEST_CASE("a sort of rows in order, and of equal rows, survives the disk") {
  auto in = made_up(30, 5000);
  check_same("sort", R"~(["n"])~", in);
  check_same("sort", R"~(["n - n"])~", in);
}

TEST_CASE("an aggregate that does not fit into memory gives the same bits in the same order") {
  const auto in = made_up(30, 8'000);
  check_same("aggregate",
             R"~({"by": ["k"], "compute": {"rows": "count(*)", "s": "sum(d)", "a": "avg(m)", "v": "stddev(d)"}})~", in);
  check_same(
      "aggregate",
      R"~({"by": ["t", "k"], "compute": {"f": "first(n)", "l": "last(d)", "some": "any_value(d)", "low": "min(t)",
                 "high": "max(m)", "share": "sum(n) / count(*)", "few": "count(*) filter (where d > 1)"}})~",
      in);
}

TEST_CASE("distinct values that do not fit into memory are counted all the same") {
  const auto in = made_up(30, 8'000);
  check_same("aggregate",
             R"~({"compute": {"k": "count(distinct k)", "t": "count(distinct t)", "s": "sum(distinct d)"}})~", in);
  check_same("aggregate", R"~({"by": ["m"], "compute": {"k": "count(distinct k)", "n": "count(distinct n)"}})~", in);
}

TEST_CASE("batches that come in any order give the same groups, spilled or not") {
  auto in = made_up(30, 8'000);
  const std::string own = R"~({"by": ["k"], "compute": {"f": "first(n)", "l" : "last(n)", "s" : "sum(d)"}})~";
  const auto in_order = run("aggregate", own, in, std::int64_t{1} << 30);
  std::shuffle(in.begin(), in.end(), std::mt19937(3));
  CHECK(run("aggregate", own, in, std::int64_t{1} << 30).rows == in_order.rows);
  CHECK(run("aggregate", own, in, 300'000).rows == in_order.rows);
}

TEST_CASE("deduplicate keeps the same rows, spilled or not") {
  const auto in = made_up(30, 8'000);
  check_same("deduplicate", R"~(["k"])~", in);
  check_same("deduplicate", R"~(["t", "k"])~", in);
  check_same("deduplicate", R"~({"by": ["k"], "order": ["d desc", "t"]})~", in);
  check_same("deduplicate", R"~({"by": ["t"], "order": ["m"]})~", in);
}

TEST_CASE("a sort before a limit keeps only what is wanted") {
  const auto in = made_up(30, 8'000);
  const auto all = run("steps", R"~([{"sort": ["d desc", "t"]}])~", in, std::int64_t{1} << 30);
  for (const std::size_t rows : {0, 1, 10, 5000, 40'000}) {
    runner unit(
        "steps",
        R"~([{"sort": ["d desc", "t"]}, {"rename": {"n": "number"}}, {"limit": )~" + std::to_string(rows) + "}]",
        {{"source", schema_of(columns)}}, {.memory_bytes = 40'000'000});
    for (const auto& one : in) unit.feed(one);
    unit.end();
    CHECK(unit.lines() ==
          lines(all.rows.begin(), all.rows.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(rows, 30'000))));
    const auto counters = unit.unit().steps();
    CHECK(counters[0].in == counters[0].out + counters[0].filtered);
  }
}

TEST_CASE("operators say so before they block, and fail where the spill folder can't be used") {
  const auto in = made_up(30, 8'000);
  for (const auto& [name, own] :
       std::vector<std::pair<std::string, std::string>>{{"sort", R"~(["k"])~"},
                                                        {"aggregate", R"~({"by": ["k"], "compute": {"s": "sum(d)"}})~"},
                                                        {"deduplicate", R"~({"by": ["k"], "order": ["d"]})~"},
                                                        {"deduplicate", R"~(["k"])~"}}) {
    INFO(name);
    runner unit(name, own, {{"source", schema_of(columns)}}, {.memory_bytes = 300'000});
    (void)unit.spill.write("run", "a file where the folder should be");
    status failed;
    bool said = false;
    for (const auto& one : in) {
      said = dynamic_cast<const may_block&>(unit.unit()).next_call_may_block();
      failed = unit.try_feed(one);
      if (!failed.ok()) break;
    }
    if (failed.ok()) {
      said = dynamic_cast<const may_block&>(unit.unit()).next_call_may_block();
      failed = unit.try_end();
    }
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.problem().code == "spill_failed");
    CHECK(said);
  }
}
