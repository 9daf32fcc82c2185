#include "engine/operators/scatter.hpp"
#include "tests/support/collector.hpp"

#include <numeric>
#include <random>

using namespace sluice;
using namespace sluice::testing;

TEST_CASE("scattered rows stand where they were sent, with their nulls") {
  const auto schema = schema_of("b boolean, s smallint, i integer, l bigint, m decimal(12,2), t text, d date");
  const auto part = rows(schema, R"([[true, 1, 2, 3, "4.00", "five", 6], [null, null, null, null, null, null, null],
    [false, -1, -2, -3, "-4.00", "", 7], [true, 10, 20, 30, "40.00", "a longer text than that", 60]])");
  // The second one is a slice.
  const std::vector<batch> in = {part, part.slice(1, 3), part};
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> target(11);
  std::iota(target.begin(), target.end(), 0U);
  std::shuffle(target.begin(), target.end(), random);
  std::vector<std::vector<std::uint32_t>> to;
  lines wanted(target.size());
  for (std::size_t at = 0; const auto& each : in) {
    to.emplace_back();
    for (const auto& line : lines_of(*each.data)) {
      wanted[target[at]] = line;
      to.back().push_back(target[at++]);
    }
  }
  arrow::ArrayVector columns;
  for (int i = 0; i < schema->num_fields(); ++i) {
    REQUIRE(can_scatter(*schema->field(i)->type()));
    arrow::ArrayVector from;
    for (const auto& each : in) from.push_back(each.data->column(i));
    columns.push_back(must(scatter_column(from, to, 11)));
  }
  const auto made = batch_of(schema, columns);
  CHECK(made.data->ValidateFull().ok());
  CHECK(lines_of(*made.data) == wanted);
}
