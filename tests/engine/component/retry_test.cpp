#include "engine/component/retry.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("waits double up to the longest one, then end after the number of attempts") {
  backoff waits({.attempts = 5, .backoff = 100ms, .max_backoff = 500ms}, 7);
  for (const auto longest : {100ms, 200ms, 400ms, 500ms, 500ms}) {
    const auto wait = waits.next();
    REQUIRE(wait);
    CHECK(*wait >= longest / 2);
    CHECK(*wait <= longest);
  }
  CHECK_FALSE(waits.next());
  waits.reset();
  REQUIRE(waits.next());
  CHECK(waits.tried() == 1);
}

TEST_CASE("two units do not wait for the same time") {
  backoff one({.attempts = 8, .backoff = 1s, .max_backoff = 1s}, 1);
  backoff other({.attempts = 8, .backoff = 1s, .max_backoff = 1s}, 2);
  bool same = true;
  for (int at = 0; at < 8; ++at) same = same && one.next() == other.next();
  CHECK_FALSE(same);
}

TEST_CASE("no attempts means no waits, and a wait of zero stays zero") {
  CHECK_FALSE(backoff({.attempts = 0}, 1).next());
  CHECK(backoff({.attempts = 1, .backoff = 0us}, 1).next() == 0us);
}
