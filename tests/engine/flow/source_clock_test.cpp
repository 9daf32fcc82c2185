#include "engine/flow/source_clock.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::flow;
using namespace std::chrono_literals;

namespace {

using time_point = source_clock::time_point;
const auto now = time_point(1h);

/// Splits by the names of their objects.
std::vector<split> splits(std::initializer_list<const char*> objects) {
  std::vector<split> all;
  for (const auto* object : objects) all.push_back({.id = static_cast<std::uint32_t>(all.size()), .object = object});
  return all;
}

}  // namespace

TEST_CASE("a watermark is the latest time less what may be out of order, and never falls") {
  source_clock clock({.out_of_order = 10});
  clock.extend(splits({"a"}));
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(0, 100);
  CHECK(clock.risen(now) == 90);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(0, 95);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(0, std::nullopt);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(0, 120);
  CHECK(clock.risen(now) == 110);
  CHECK(clock.watermark() == 110);
}

TEST_CASE("a file has come as far as its first split that is not read to its end") {
  source_clock clock({});
  clock.extend(splits({"a", "a", "a"}));
  clock.passed_on(1, 500);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(0, 100);
  CHECK(clock.risen(now) == 100);
  clock.finished(1);
  CHECK_FALSE(clock.risen(now));
  clock.finished(0);
  CHECK(clock.risen(now) == 500);
  clock.passed_on(2, 480);
  CHECK_FALSE(clock.risen(now));
}

TEST_CASE("the slowest file holds the watermark back, one that nobody has begun too") {
  source_clock clock({});
  clock.extend(splits({"a", "b", "c"}));
  clock.passed_on(0, 100);
  clock.passed_on(1, 50);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(2, 70);
  CHECK(clock.risen(now) == 50);
  clock.finished(1);
  CHECK(clock.risen(now) == 70);
  clock.finished(2);
  clock.finished(0);
  // Who reads says that all is over.
  CHECK_FALSE(clock.risen(now));
}

TEST_CASE("a split without rows ends without a trace") {
  source_clock clock({});
  clock.extend(splits({"empty", "a"}));
  clock.passed_on(1, 5);
  CHECK_FALSE(clock.risen(now));
  clock.finished(0);
  CHECK(clock.risen(now) == 5);
}

TEST_CASE("a partition that is silent for long enough holds nothing back, until it speaks again") {
  source_clock clock({.out_of_order = 0, .idle = 60s});
  clock.extend(splits({"p0", "p1"}));
  clock.passed_on(0, 100);
  clock.passed_on(1, 10);
  CHECK(clock.risen(now) == 10);
  CHECK_FALSE(clock.next_idle(now));
  clock.silent(1, now);
  clock.silent(1, now + 30s);  // said again: the silence began before
  CHECK_FALSE(clock.risen(now + 59s));
  CHECK(clock.next_idle(now + 59s) == now + 60s);
  CHECK(clock.risen(now + 60s) == 100);
  CHECK_FALSE(clock.next_idle(now + 60s));
  // It comes back, late: the watermark does not fall, and waits for it again.
  clock.passed_on(1, 20);
  clock.passed_on(0, 200);
  CHECK_FALSE(clock.risen(now + 61s));
  clock.passed_on(1, 150);
  CHECK(clock.risen(now + 62s) == 150);
}

TEST_CASE("where all partitions are idle the watermark stands still") {
  source_clock clock({.out_of_order = 0, .idle = 1s});
  clock.extend(splits({"p0"}));
  clock.passed_on(0, 100);
  CHECK(clock.risen(now) == 100);
  clock.silent(0, now);
  CHECK_FALSE(clock.risen(now + 2s));
}

TEST_CASE("a new partition holds the watermark back from then on") {
  source_clock clock({});
  clock.extend(splits({"p0"}));
  clock.passed_on(0, 100);
  CHECK(clock.risen(now) == 100);
  clock.extend(splits({"p0", "p1"}));
  clock.passed_on(0, 200);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(1, 150);
  CHECK(clock.risen(now) == 150);
}

TEST_CASE("times at the far end of the past do not wrap around") {
  source_clock clock({.out_of_order = 1000});
  clock.extend(splits({"a"}));
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  clock.passed_on(0, least + 5);
  CHECK(clock.risen(now) == least);
}

TEST_CASE("a clock that goes on behind a checkpoint neither falls nor waits for rows that came before it") {
  source_clock clock({.out_of_order = 10});
  clock.extend(splits({"a", "b", "c"}));
  clock.passed_on(0, 100);
  clock.passed_on(1, 60);  // was idle when the watermark had come to 80
  clock.finished(2);
  clock.go_on(80);
  CHECK(clock.watermark() == 80);
  CHECK_FALSE(clock.risen(now));
  clock.passed_on(1, 95);
  CHECK(clock.risen(now) == 85);
}
