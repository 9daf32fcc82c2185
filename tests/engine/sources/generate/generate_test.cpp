#include "tests/support/components.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const component& generate() { return *find_component(component_kind::source, "generate"); }

source_request request(const char* own) {
  source_request made;
  made.unit = "rows";
  made.own = options::parse(own);
  return made;
}

const char* const mixed = R"json({"rows": 200000, "seed": 7, "columns": {
  "id": "sequence", "k": {"random": [0, 999]}, "price": {"random": [0.0, 100.0], "nulls": 0.1},
  "name": {"choice": ["a", "bb", "ccc"]}, "code": {"text": 14},
  "amount": {"random": [0.0, 99.0], "type": "decimal(12,2)"},
  "day": {"sequence": {"start": "2024-02-28", "step": 1}},
  "at": {"sequence": {"start": "2024-01-01T00:00:00Z", "step": "1m30s"}}}})json";

}  // namespace

TEST_CASE("generated rows are the same however they are split") {
  auto small = request(mixed);
  small.split_bytes = 1;
  auto large = request(mixed);
  large.split_bytes = std::int64_t{1} << 40;
  const auto a = must_read(generate(), small);
  const auto b = must_read(generate(), large);
  CHECK(a.splits > 2);
  CHECK(b.splits == 1);
  CHECK(a.table->num_rows() == 200000);
  CHECK(a.table->Equals(*b.table));
}

TEST_CASE("generated values keep to their bounds") {
  const auto all = must_read(generate(), request(mixed));
  const auto& k = static_cast<const arrow::Int64Array&>(*all.table->GetColumnByName("k")->chunk(0));
  const auto& price = static_cast<const arrow::DoubleArray&>(*all.table->GetColumnByName("price")->chunk(0));
  std::vector<int> seen(1000);
  for (std::int64_t i = 0; i < k.length(); ++i) {
    REQUIRE(k.Value(i) >= 0);
    REQUIRE(k.Value(i) <= 999);
    ++seen[static_cast<std::size_t>(k.Value(i))];
    REQUIRE(price.Value(i) < 100.0);
  }
  CHECK(*std::min_element(seen.begin(), seen.end()) > 100);  // 200 expected
  CHECK(price.null_count() > 19000);
  CHECK(price.null_count() < 21000);
  CHECK(all.table->GetColumnByName("id")->GetScalar(0).ValueOrDie()->ToString() == "1");
  CHECK(all.table->GetColumnByName("day")->GetScalar(2).ValueOrDie()->ToString() == "2024-03-01");
  CHECK(all.table->GetColumnByName("at")->GetScalar(2).ValueOrDie()->ToString() == "2024-01-01 00:03:00.000000Z");
  CHECK(all.table->schema()->GetFieldByName("amount")->type()->ToString() == "decimal128(12, 2)");
  CHECK(all.table->GetColumnByName("code")->GetScalar(5).ValueOrDie()->ToString().size() == 14);
}

TEST_CASE("a generated column keeps its values when others are left out") {
  auto only = request(mixed);
  only.columns = {"price", "id"};
  const auto all = must_read(generate(), request(mixed));
  const auto some = must_read(generate(), only);
  CHECK(some.table->schema()->field_names() == std::vector<std::string>{"price", "id"});
  CHECK(some.table->GetColumnByName("price")->Equals(*all.table->GetColumnByName("price")));
  auto needed = request(mixed);
  needed.resolved = all.table->schema();
  needed.needed = {"name"};
  CHECK(must_read(generate(), needed).table->schema()->field_names() == std::vector<std::string>{"name"});
}

TEST_CASE("another seed gives other values") {
  auto other = options::parse(mixed);
  other["seed"] = 8;
  auto changed = request(mixed);
  changed.own = other;
  CHECK_FALSE(must_read(generate(), changed)
                  .table->GetColumnByName("k")
                  ->Equals(*must_read(generate(), request(mixed)).table->GetColumnByName("k")));
}

TEST_CASE("positions of generated rows number them inside their split") {
  auto what = request(R"({"rows": 100000, "columns": {"id": "sequence"}, "seed": 1})");
  what.split_bytes = 1;
  what.number = 3;
  const auto all = must_read(generate(), what);
  REQUIRE(all.positions.size() == 100000);
  const auto last = all.positions.back();
  CHECK(last.source == 3);
  CHECK(last.split == all.splits - 1);
  CHECK(last.offset == 100000 - 65536 - 1);
  what.want_positions = false;
  CHECK(must_read(generate(), what).positions.empty());
}

TEST_CASE("no rows are no splits") {
  const auto all = must_read(generate(), request(R"({"rows": 0, "columns": {"id": "sequence"}})"));
  CHECK(all.splits == 0);
  CHECK(all.table->num_columns() == 1);
}

TEST_CASE("faults of generators are reported together, each where it stands") {
  const auto faults = faults_of(generate(), request(R"json({"rows": -1, "columns": {
    "a": "sequenze", "b": {"random": [5, 1]}, "c": {"choice": []}, "d": {"choice": ["x", 1]},
    "e": {"text": 3, "random": [0, 1]}, "f": {"random": [0, 1], "type": "dekimal(1,1)"}}})json"));
  std::vector<std::string> paths;
  for (const auto& fault : faults) paths.push_back(fault.path);
  CHECK(paths == std::vector<std::string>{"/generate/rows", "/generate/columns/a", "/generate/columns/b/random",
                                          "/generate/columns/c/choice", "/generate/columns/d/choice",
                                          "/generate/columns/e", "/generate/columns/f/type"});
}

TEST_CASE("an unknown column names the nearest one") {
  auto what = request(R"({"rows": 1, "columns": {"customer": "sequence"}})");
  what.columns = {"custommer"};
  const auto faults = faults_of(generate(), what);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "unknown_column");
  CHECK(faults[0].hint == "did you mean customer?");
}
