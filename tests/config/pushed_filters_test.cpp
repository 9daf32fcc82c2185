#include "engine/flow/written_counts.hpp"
#include "engine/plan/push_filters.hpp"
#include "tests/support/planning.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// What the source `airports` of a pipeline with these transforms and loads leaves out rows by; faults as text.
std::string pushed(const std::string& source, const std::string& rest) {
  const auto made = plan_text("version: 1\npipeline: p\nextract:\n  airports:\n    " + source + "\n" + rest);
  if (!made.planned) return made.shown;
  return made.planned->units[static_cast<std::size_t>(*made.planned->find("airports"))].filter;
}

const std::string csv = "csv: { path: examples/data/airports.csv }";
const std::string to_nowhere = "load: { out: { from: high, blackhole: {} } }\n";

std::string filtered(const std::string& condition) {
  return "transform:\n  high: { from: airports, filter: \"" + condition + "\" }\n" + to_nowhere;
}

}  // namespace

TEST_CASE("a filter directly below a source is evaluated by its readers") {
  CHECK(pushed(csv, filtered("alt > 5000")) == "alt > 5000");
  CHECK(pushed(csv, filtered("airports.alt > 5000 and name like 'A%'")) == "airports.alt > 5000 and name like 'A%'");
  CHECK(pushed(csv, "transform:\n  high: { from: airports, steps: [ filter: \"alt > 1\", select: [faa] ] }\n" +
                        to_nowhere) == "alt > 1");
}

TEST_CASE("a filter stays where it is if others read the source, or if it says something else in another place") {
  CHECK(pushed(csv,
               "transform:\n  high: { from: airports, filter: \"alt > 5000\" }\n"
               "load: { out: { from: high, blackhole: {} }, all: { from: airports, blackhole: {} } }\n") == "");
  CHECK(pushed(csv, "transform:\n  high: { from: airports, steps: [ select: [faa, alt], filter: \"alt > 1\" ] }\n" +
                        to_nowhere) == "");
  CHECK(pushed(csv, filtered("random() < 0.5 and alt > 0")) == "");
  CHECK(pushed(csv, filtered("true")) == "");
  CHECK(pushed(csv + "\n    metadata: { _file: path }", filtered("_file like 'a%'")) == "");
  CHECK(pushed(csv + "\n    metadata: { _file: path }", filtered("alt > 1")) == "alt > 1");
  CHECK(pushed("generate: { rows: 10, columns: { alt: sequence } }", filtered("alt > 5")) == "");
}

TEST_CASE("rows that a reader left out are counted where the filter was written") {
  const auto made =
      plan_text("version: 1\npipeline: p\nextract:\n  airports:\n    " + csv + "\n" + filtered("alt > 5000"));
  REQUIRE(made.planned);
  std::vector<flow::unit_counters> counters(made.planned->units.size());
  const auto source = static_cast<std::size_t>(*made.planned->find("airports"));
  const auto filter = static_cast<std::size_t>(*made.planned->find("high"));
  counters[source] = {.in = 100, .out = 30, .filtered = 60, .rejected = 10};
  counters[filter] = {.in = 30, .out = 29, .filtered = 1};
  flow::count_where_written(*made.planned, counters);
  CHECK(counters[source] == flow::unit_counters{.in = 100, .out = 90, .rejected = 10});
  CHECK(counters[filter] == flow::unit_counters{.in = 90, .out = 29, .filtered = 61});
}
