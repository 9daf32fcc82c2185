#include "engine/flow/waiting.hpp"

#include <catch2/catch.hpp>

using namespace sluice::flow;

namespace {
constexpr std::int64_t second = 1'000'000;
}

TEST_CASE("time is counted while an instance is held back") {
  held_back_time time;
  CHECK(time.total(5 * second) == 0);
  time.set(true, 10 * second);
  time.set(true, 11 * second);  // still
  CHECK(time.total(12 * second) == 2 * second);
  time.set(false, 13 * second);
  CHECK_FALSE(time.held_back());
  CHECK(time.total(20 * second) == 3 * second);
  time.set(true, 20 * second);
  CHECK(time.total(21 * second) == 4 * second);
}

TEST_CASE("the share of waiting follows the last seconds") {
  waiting_meter meter;
  CHECK(meter.held_back_ppm() == 0);
  std::uint64_t held_back = 0;
  std::int64_t now = 0;
  const auto pass = [&](int seconds, double share, std::size_t starved) {
    for (int i = 0; i < seconds * 5; ++i) {
      now += second / 5;
      held_back += static_cast<std::uint64_t>(share * 2 * second / 5);  // two instances
      meter.at(now, 2, held_back, starved);
    }
  };
  pass(20, 0.8, 0);
  CHECK(meter.held_back_ppm() == Approx(800'000).margin(1000));
  CHECK(meter.starved_ppm() == 0);
  pass(20, 0, 1);
  CHECK(meter.held_back_ppm() < 1000);
  CHECK(meter.starved_ppm() == Approx(500'000).margin(1000));
  pass(1, 1.5, 2);  // reports that come late can't make it more than all of the time
  CHECK(meter.held_back_ppm() <= 1'000'000);
  CHECK(meter.starved_ppm() > 500'000);
}
