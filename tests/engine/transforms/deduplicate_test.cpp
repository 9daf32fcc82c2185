#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

#include <map>
#include <random>

using namespace sluice;
using namespace sluice::testing;

TEST_CASE("deduplicate keeps the first row of each key at once") {
  runner unit("deduplicate", R"~({"by": ["id"]})~", "id bigint, v text");
  unit.feed(R"~([[1, "a"], [2, "b"], [1, "c"], [null, "d"]])~");
  CHECK(unit.lines() == lines{"1|a", "2|b", "null|d"});
  unit.feed(R"~([[null, "e"], [3, "f"], [2, "g"]])~").end();
  CHECK(unit.lines() == lines{"1|a", "2|b", "null|d", "3|f"});
  CHECK(unit.out.merged == 3);
  CHECK(unit.unit().keeps_order());
  CHECK(unit.unit().needs_order());
}

TEST_CASE("deduplicate compares whole rows where no key is named, in every form") {
  for (const std::string own : {"{}", "true", "null"}) {
    runner unit("deduplicate", own, "id bigint, v text");
    unit.feed(R"~([[1, "a"], [1, "b"], [1, "a"], [null, null], [null, null]])~").end();
    CHECK(unit.lines() == lines{"1|a", "1|b", "null|null"});
  }
  runner listed("deduplicate", R"~(["v"])~", "id bigint, v text");
  listed.feed(R"~([[1, "a"], [2, "a"]])~").end();
  CHECK(listed.lines() == lines{"1|a"});
}

TEST_CASE("a batch without duplicates is passed on as it is") {
  runner unit("deduplicate", R"~(["id"])~", "id bigint");
  const auto in = with_positions(rows("id bigint", "[[1], [2]]"));
  unit.feed(in).end();
  CHECK(unit.out.ports[0][0].data == in.data);
  CHECK(unit.out.ports[0][0].positions == in.positions);
}

TEST_CASE("with an order the best row of each key is kept, of equal ones the first; rows stay in the input's order") {
  runner unit("deduplicate", R"~({"by": ["id"], "order": ["at desc", "v"]})~", "id bigint, at date, v text");
  unit.feed(with_positions(
      rows("id bigint, at date, v text", R"~([[1, 5, "a"], [2, 5, "x"], [1, 7, "b"], [3, null, "n"]])~"), 0, 10));
  unit.feed(with_positions(
      rows("id bigint, at date, v text", R"~([[2, 5, "w"], [1, 7, "b"], [3, 1, "m"], [4, 1, "q"]])~"), 0, 20));
  CHECK(unit.lines().empty());
  unit.end();
  CHECK(unit.lines() == lines{"1|1970-01-08|b", "3|null|n", "2|1970-01-06|w", "4|1970-01-02|q"});
  CHECK(unit.out.merged == 4);
  CHECK(position_at(*unit.out.ports[0][0].positions, 0).offset == 12);
  CHECK(position_at(*unit.out.ports[0][0].positions, 2).offset == 20);
  CHECK(!unit.unit().keeps_order());
}

TEST_CASE("deduplicate equals a plain computation over random rows, in instances too") {
  std::mt19937 random(9);
  const bool ordered = GENERATE(false, true);
  const std::string own = ordered ? R"~({"by": ["k"], "order": ["v desc"]})~" : R"~({"by": ["k"]})~";
  arrow::Int64Builder k, v, n;
  for (int i = 0; i < 30'000; ++i) {
    REQUIRE((k.Append(static_cast<std::int64_t>(random() % 3'000)).ok() &&
             v.Append(static_cast<std::int64_t>(random() % 100)).ok() && n.Append(i).ok()));
  }
  const auto whole = batch_of(schema_of("k bigint, v bigint, n bigint"),
                              {k.Finish().ValueOrDie(), v.Finish().ValueOrDie(), n.Finish().ValueOrDie()});
  const auto column = [&](int index) {
    return static_cast<const arrow::Int64Array&>(*whole.data->column(index)).raw_values();
  };
  std::map<std::int64_t, std::int64_t> best;
  for (std::int64_t row = 0; row < whole.rows(); ++row) {
    const auto [found, is_new] = best.try_emplace(column(0)[row], row);
    if (!is_new && ordered && column(1)[row] > column(1)[found->second]) found->second = row;
  }
  std::vector<std::int64_t> kept;
  for (const auto& [key, row] : best) kept.push_back(row);
  std::sort(kept.begin(), kept.end());

  const std::int64_t batch_rows = GENERATE(999, 30'000);
  runner alone("deduplicate", own, "k bigint, v bigint, n bigint");
  std::vector<std::unique_ptr<runner>> instances;
  for (int i = 0; i < 3; ++i)
    instances.push_back(std::make_unique<runner>("deduplicate", own, "k bigint, v bigint, n bigint"));
  const auto how = alone.unit().input_partitioning(0);
  for (std::int64_t begin = 0; begin < whole.rows(); begin += batch_rows) {
    const auto part = whole.slice(begin, std::min(batch_rows, whole.rows() - begin));
    alone.feed(part);
    const auto parts = must(flow::partition_by_keys(part, how.keys, how.key_types, 3));
    for (int i = 0; i < 3; ++i) instances[i]->feed(parts[i]);
  }
  alone.end();
  std::size_t at = 0;
  for (const auto& part : alone.out.ports[0]) {
    const auto& numbers = static_cast<const arrow::Int64Array&>(*part.data->column(2));
    for (std::int64_t i = 0; i < numbers.length(); ++i) REQUIRE(numbers.Value(i) == kept[at++]);
  }
  CHECK(at == kept.size());
  lines together, expected = alone.lines();
  for (auto& instance : instances) {
    instance->end();
    for (auto& line : instance->lines()) together.push_back(line);
  }
  std::sort(together.begin(), together.end());
  std::sort(expected.begin(), expected.end());
  CHECK(together == expected);
}

TEST_CASE("deduplicate refuses keys that can't be compared and names that are not there") {
  CHECK(runner("deduplicate", "{}", "id bigint, l bigint[]").faults.at(0).code == "not_supported_yet");
  CHECK(runner("deduplicate", R"~({"by": ["idd"]})~", "id bigint").faults.at(0).path == "/deduplicate/by/0");
  CHECK(runner("deduplicate", R"~(["idd"])~", "id bigint").faults.at(0).path == "/deduplicate/0");
}
