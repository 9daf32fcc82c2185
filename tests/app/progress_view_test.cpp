#include "app/progress_view.hpp"
#include "app/text.hpp"

#include <catch2/catch.hpp>

namespace sluice::app {

namespace {

run_view flights() {
  run_view run{.pipeline = "flights", .state = "running", .seconds = 10, .seconds_left = 9.5, .units = {}};
  run.units = {
      {.name = "flights",
       .state = "running",
       .rows = 174'823,
       .rejected = 7,
       .rows_per_second = 1'214'000,
       .share = 0.52},
      {.name = "airlines", .state = "finished", .rows = 16, .share = {}},
      {.name = "a_unit_with_quite_a_long_name", .state = "waiting", .share = {}},
  };
  return run;
}

}  // namespace

TEST_CASE("progress has one line a unit and one for the run", "[progress]") {
  const auto lines = progress_lines(flights(), 120, false, true);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].find("▸ flights") == 0);
  CHECK(lines[0].find("52%") != std::string::npos);
  CHECK(lines[0].find("174,823 rows") != std::string::npos);
  CHECK(lines[0].find("1.21M/s") != std::string::npos);
  CHECK(lines[0].find("10 s left") != std::string::npos);
  CHECK(lines[0].find("7 rejected") != std::string::npos);
  CHECK(lines[1].find("✓ airlines") == 0);
  CHECK(lines[1].find("100%") != std::string::npos);
  CHECK(lines[2].find("rows") == std::string::npos);
  CHECK(lines[3] == "flights: running, 10.0 s, 10 s left, 7 rejected");
}

TEST_CASE("progress never wraps, whatever the width", "[progress]") {
  for (int width = 20; width < 200; ++width)
    for (const auto& line : progress_lines(flights(), width, false, true)) {
      INFO("width " << width << ": " << line);
      CHECK(display_width(line) < width);
    }
  CHECK(progress_lines(flights(), 60, false, true)[0].find("174,823") != std::string::npos);
}

TEST_CASE("progress stays at 99 % until all is done", "[progress]") {
  auto run = flights();
  run.units[0].share = 0.9999;
  CHECK(progress_lines(run, 120, false, true)[0].find(" 99%") != std::string::npos);
}

TEST_CASE("progress without a terminal is one plain line", "[progress]") {
  CHECK(progress_line(flights()) ==
        "flights: running 10.0 s, 10 s left, 7 rejected; flights 174,823 rows (52%) 1.21M/s; airlines 16 rows");
}

TEST_CASE("the display redraws in place", "[progress]") {
  live_display display;
  CHECK(display.draw({"one", "two"}, 24) == "\rone\x1b[K\ntwo\x1b[K\n\x1b[J");
  CHECK(display.draw({"three"}, 24) == "\x1b[2Fthree\x1b[K\n\x1b[J");
  CHECK(display.clear() == "\x1b[1F\x1b[J");
  CHECK(display.clear().empty());
  CHECK(display.draw({"1", "2", "3", "4"}, 3) == "\r3\x1b[K\n4\x1b[K\n\x1b[J");
}

}  // namespace sluice::app
