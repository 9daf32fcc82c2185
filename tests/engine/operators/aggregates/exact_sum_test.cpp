#include "engine/operators/aggregates/exact_sum.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

using sluice::aggregates::exact_number;
using sluice::aggregates::exact_sums;

namespace {

// Python's math.fsum (Shewchuk's growing expansion): the exact sum, rounded once.
double fsum(const std::vector<double>& values) {
  std::vector<double> partials;
  for (double x : values) {
    std::size_t kept = 0;
    for (double y : partials) {
      if (std::abs(x) < std::abs(y)) std::swap(x, y);
      const double high = x + y;
      const double low = y - (high - x);
      if (low != 0.0) partials[kept++] = low;
      x = high;
    }
    partials.resize(kept);
    partials.push_back(x);
  }
  if (partials.empty()) return 0.0;
  auto n = partials.size();
  double high = partials[--n], low = 0.0;
  while (n > 0) {
    const double x = high, y = partials[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0.0) break;
  }
  if (n > 0 && ((low < 0.0 && partials[n - 1] < 0.0) || (low > 0.0 && partials[n - 1] > 0.0))) {
    const double y = low * 2.0, x = high + y;
    if (y == x - high) high = x;
  }
  return high;
}

double sum_of(const std::vector<double>& values) {
  exact_sums sums;
  sums.resize(1);
  const std::vector<std::uint32_t> groups(values.size(), 0);
  sums.add(values.data(), groups.data(), static_cast<std::int64_t>(values.size()));
  return sums.value(0);
}

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

std::vector<double> random_values(std::mt19937_64& random, std::size_t count, int spread) {
  std::vector<double> values(count);
  for (auto& value : values) {
    const int exponent = spread == 0 ? 0 : static_cast<int>(random() % (2 * spread)) - spread;
    value =
        std::ldexp(static_cast<double>(static_cast<std::int64_t>(random() >> 11) - (std::int64_t{1} << 52)), exponent);
  }
  return values;
}

}  // namespace

TEST_CASE("a sum of doubles is the exact sum, rounded once") {
  CHECK(sum_of({0.1, 0.2, 0.3}) == 0.6);
  CHECK(sum_of({1e308, 1.0, -1e308}) == 1.0);
  CHECK(sum_of({1e16, 1.0, 1.0}) == 1e16 + 2.0);
  CHECK(sum_of({1e100, 1.0, -1e100, 1e-300}) == 1.0);
  CHECK(sum_of({5e-324, 5e-324}) == 1e-323);
  CHECK(sum_of({2.2250738585072014e-308, -5e-324}) == 2.225073858507201e-308);
  CHECK(sum_of({1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308}) == 1.7976931348623157e308);
  CHECK(std::isinf(sum_of({1.7976931348623157e308, 1.7976931348623157e308})));
  CHECK(bits(sum_of({-0.0, 0.0})) == bits(0.0));
  CHECK(sum_of({}) == 0.0);
  CHECK(sum_of({1.0, std::ldexp(1.0, -53)}) == 1.0);         // a tie goes to even
  CHECK(sum_of({1.0, std::ldexp(1.0, -53), 5e-324}) > 1.0);  // no tie
  CHECK(sum_of({-1.0, -std::ldexp(1.0, -53), -5e-324}) < -1.0);
}

TEST_CASE("sums of random doubles equal fsum, bit for bit, in any order and any partition") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    auto values = random_values(random, 1 + random() % 3000, static_cast<int>(random() % 5) * 120);
    const double exact = fsum(values);
    REQUIRE(bits(sum_of(values)) == bits(exact));
    std::shuffle(values.begin(), values.end(), random);
    REQUIRE(bits(sum_of(values)) == bits(exact));
    // Three instances, each fed in batches of random size, merged in random order.
    std::vector<exact_sums> instances(3);
    for (auto& instance : instances) instance.resize(1);
    for (std::size_t begin = 0; begin < values.size();) {
      const auto count = std::min<std::size_t>(1 + random() % 700, values.size() - begin);
      const std::vector<std::uint32_t> groups(count, 0);
      instances[random() % 3].add(values.data() + begin, groups.data(), static_cast<std::int64_t>(count));
      begin += count;
    }
    std::shuffle(instances.begin(), instances.end(), random);
    const std::uint32_t to = 0;
    instances[0].merge(instances[1], &to);
    instances[2].merge(instances[0], &to);
    REQUIRE(bits(instances[2].value(0)) == bits(exact));
  }
}

TEST_CASE("groups keep their sums apart while bins and groups are added") {
  std::mt19937_64 random(8);
  exact_sums sums;
  std::vector<std::vector<double>> expected(500);
  for (std::size_t groups = 1; groups <= 500; groups += 83) {
    sums.resize(groups);
    const auto values = random_values(random, 2000, static_cast<int>(groups));
    std::vector<std::uint32_t> ids(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ids[i] = static_cast<std::uint32_t>(random() % groups);
      expected[ids[i]].push_back(values[i]);
    }
    sums.add(values.data(), ids.data(), static_cast<std::int64_t>(values.size()));
    for (std::size_t group = 0; group < groups; ++group)
      REQUIRE(bits(sums.value(group)) == bits(fsum(expected[group])));
  }
}

TEST_CASE("long runs of few groups are summed exactly by the code of every generation, with odd values among them") {
  std::mt19937_64 random(9);
  for (const int generation : {2, 3, 4}) {
    if (generation > sluice::expression::machine_generation()) continue;
    for (int round = 0; round < 20; ++round) {
      const auto groups = 1 + random() % 5;
      auto values = random_values(random, 3000 + random() % 3000, round % 2 == 0 ? 0 : 40);
      const std::vector<double> odd = {0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1e-300, -1e300, 1.5};
      for (int i = 0; i < round; ++i) values[random() % values.size()] = odd[random() % odd.size()];
      std::vector<std::vector<double>> expected(groups);
      std::vector<std::uint32_t> ids(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        ids[i] = static_cast<std::uint32_t>(i % 7 == 0 ? random() % groups : i / 1000 % groups);
        expected[ids[i]].push_back(values[i]);
      }
      exact_sums sums(generation);
      sums.resize(groups);
      sums.add(values.data(), ids.data(), static_cast<std::int64_t>(values.size()));
      for (std::size_t group = 0; group < groups; ++group)
        REQUIRE(bits(sums.value(group)) == bits(fsum(expected[group])));
    }
  }
}

TEST_CASE("NaN and infinities in a sum behave as in IEEE addition") {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(sum_of({1.0, infinity, 2.0}) == infinity);
  CHECK(sum_of({1.0, -infinity, 2.0}) == -infinity);
  CHECK(std::isnan(sum_of({infinity, -infinity})));
  CHECK(std::isnan(sum_of({nan, 1.0})));
  exact_sums sums;
  sums.resize(2);
  const double values[] = {nan, 4.0};
  const std::uint32_t groups[] = {1, 0};
  sums.add(values, groups, 2);
  CHECK(sums.value(0) == 4.0);
  CHECK(std::isnan(sums.value(1)));
}

TEST_CASE("an exact number is taken apart and multiplied without loss") {
  exact_number number;
  number.add(1.0);
  number.add(std::ldexp(1.0, -60));
  number.add(std::ldexp(1.0, -130));
  CHECK(number.parts() == std::array<double, 3>{1.0, std::ldexp(1.0, -60), std::ldexp(1.0, -130)});
  exact_number product;
  product.add_product(0.1, 0.1);
  product.add(-0.010000000000000002);
  CHECK(product.value() == std::fma(0.1, 0.1, -0.010000000000000002));
  CHECK(product.value() != 0.0);
}
