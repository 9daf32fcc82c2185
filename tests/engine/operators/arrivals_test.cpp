#include "engine/operators/arrivals.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("arrivals tell the order of batches however they came") {
  arrivals seen;
  const auto add = [&](std::uint32_t split, std::uint64_t sequence, std::uint32_t chunk = 0) {
    return seen.add({.split = split, .sequence = sequence, .chunk = chunk}).value();
  };
  CHECK(add(1, 0) == 0);
  CHECK(add(1, 1) == 1);
  CHECK(seen.in_order());
  CHECK(add(0, 0) == 2);
  CHECK_FALSE(seen.in_order());
  CHECK_FALSE(seen.newest_is_last());
  CHECK(add(1, 2) == 3);
  CHECK(add(1, 3, 0) == 4);
  CHECK(add(1, 3, 1) == 5);
  CHECK(seen.newest_is_last());
  CHECK(seen.before(2, 0));
  CHECK(seen.before(1, 3));
  CHECK(seen.before(4, 5));
  CHECK(seen.key(4) == order_key{.split = 1, .sequence = 3});
  CHECK(seen.key(2) == order_key{});
  CHECK(seen.sorted() == std::vector<std::uint32_t>{2, 0, 1, 3, 4, 5});
}

TEST_CASE("a split without end takes no more and more room") {
  arrivals seen;
  for (std::uint32_t n = 0; n < 1000; ++n) REQUIRE(seen.add({.split = 3, .sequence = n}).ok());
  const auto before = seen.bytes();
  for (std::uint32_t n = 1000; n < 100'000; ++n) REQUIRE(seen.add({.split = 3, .sequence = n}).ok());
  CHECK(seen.bytes() == before);
  CHECK(seen.size() == 100'000);
  CHECK(seen.key(99'999).sequence == 99'999);
}

TEST_CASE("sequences beyond 32 bits are neither cut off nor mixed up with small ones") {
  constexpr auto many = std::uint64_t{1} << 32;
  arrivals seen;
  REQUIRE(seen.add({.split = 1, .sequence = many + 1}).value() == 0);
  REQUIRE(seen.add({.split = 1, .sequence = many + 2}).value() == 1);
  REQUIRE(seen.add({.split = 1, .sequence = 2}).value() == 2);
  CHECK(seen.sorted() == std::vector<std::uint32_t>{2, 0, 1});
  CHECK(seen.key(1) == order_key{.split = 1, .sequence = many + 2});
}
