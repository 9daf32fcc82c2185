#include "tests/support/collector.hpp"

#include <cmath>
#include <cstdlib>
#include <string>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// approx_count_distinct of the numbers below `values`, each given `times` times.
std::int64_t estimate(std::int64_t values, int times) {
  runner unit("aggregate", R"~({"compute": {"x": "approx_count_distinct(v)"}})~", "v bigint");
  for (int time = 0; time < times; ++time)
    for (std::int64_t first = 0; first < values; first += 10'000) {
      std::string text = "[";
      for (auto value = first; value < std::min(values, first + 10'000); ++value)
        text += (text.size() > 1 ? "," : "") + ("[" + std::to_string(value * 7919) + "]");
      unit.feed(text + "]");
    }
  unit.end();
  REQUIRE(unit.lines().size() == 1);
  return std::atoll(unit.lines()[0].c_str());
}

}  // namespace

TEST_CASE("few different values are counted exactly") {
  for (const std::int64_t values : {1, 2, 100, 256}) CHECK(estimate(values, 3) == values);
}

TEST_CASE("many are estimated within the documented error") {
  // Four times the standard error of 1.6 %.
  for (const std::int64_t values : {300, 2'000, 10'000, 20'000, 200'000}) {
    const auto found = estimate(values, 1);
    INFO(values << " values, estimated as " << found);
    CHECK(std::abs(static_cast<double>(found - values)) < 0.064 * static_cast<double>(values));
  }
}

TEST_CASE("repeated values change nothing") { CHECK(estimate(5'000, 1) == estimate(5'000, 3)); }
