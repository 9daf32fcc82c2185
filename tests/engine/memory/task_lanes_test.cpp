#include "engine/memory/task_lanes.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <vector>

using namespace sluice;

TEST_CASE("jobs of a lane run in the order posted, whatever the number of threads") {
  std::vector<std::vector<int>> seen(5);
  {
    task_lanes lanes(seen.size(), 3);
    for (int i = 0; i < 200; ++i)
      for (std::size_t lane = 0; lane < seen.size(); ++lane)
        lanes.post(lane, [&seen, lane, i](std::size_t) { seen[lane].push_back(i); });
    lanes.wait();
  }
  for (const auto& lane : seen) {
    REQUIRE(lane.size() == 200);
    for (int i = 0; i < 200; ++i) REQUIRE(lane[static_cast<std::size_t>(i)] == i);
  }
}

TEST_CASE("jobs of different lanes run at once") {
  task_lanes lanes(2, 2);
  std::promise<void> first;
  std::promise<void> second;
  // Each waits for the other: one after the other they would never end.
  lanes.post(0, [&](std::size_t) { first.set_value(), second.get_future().wait(); });
  lanes.post(1, [&](std::size_t) { second.set_value(), first.get_future().wait(); });
  lanes.wait();
}

TEST_CASE("waiting ends when few enough jobs are left") {
  std::promise<void> go;
  std::promise<void> begun;
  std::atomic<int> ran = 0;
  {
    task_lanes lanes(1, 1);
    lanes.post(0, [&](std::size_t) { ++ran; });
    lanes.post(0, [&](std::size_t) {
      begun.set_value();
      go.get_future().wait();
      ++ran;
    });
    lanes.post(0, [&](std::size_t) { ++ran; });
    lanes.wait(2);
    CHECK(ran >= 1);
    begun.get_future().wait();
    lanes.wait(2);
    go.set_value();
    lanes.wait();
  }
  CHECK(ran == 3);
}
