// Whatever text is handed in is refused in bounded time and memory: a pipeline comes from anybody who may submit one.

#include "tests/support/planning.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr std::size_t large = 3'900'000;  // below the limit on a pipeline's file

std::string repeated(const std::string& part, std::size_t times) {
  std::string text;
  text.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

std::string shown_for(const std::string& text) { return read_text(text, reading_with({})).shown; }

std::string filtered_by(const std::string& condition) {
  return "version: 1\npipeline: p\nextract: { rows: { generate: { rows: 1, columns: { n: sequence } } } }\n"
         "transform: { some: { from: rows, filter: \"" +
         condition + "\" } }\nload: { out: { from: some, blackhole: {} } }\n";
}

}  // namespace

TEST_CASE("references nested without end are refused") {
  for (const std::size_t levels : {40U, 16'000U, 400'000U}) {
    const auto shown = shown_for("description: " + repeated("${a:-", levels) + repeated("}", levels) + "\n");
    CHECK(shown.find("nested more than 32 levels deep") != std::string::npos);
  }
}

TEST_CASE("references that are never closed are found in one pass") {
  for (const std::string part : {"${", "${a:-${"}) {
    CHECK(shown_for("a: " + repeated(part, 400) + "\n").find("not closed") != std::string::npos);
    CHECK(shown_for("a: " + repeated(part, large / part.size()) + "\n").find("invalid_yaml") != std::string::npos);
  }
}

TEST_CASE("brackets and commas without end are refused before they are tokens") {
  for (const std::string part : {"[", "{", "[\n", "{? ", "- [", "a: {"})
    CHECK(shown_for(repeated(part, large / part.size())).find("nested more than 1,000 levels") != std::string::npos);
  for (const std::string part : {",", "[],", "{},", "a: b,", "\n[,]"})
    CHECK(shown_for("[" + repeated(part, large / part.size()) + "]").find("more than 200,000") != std::string::npos);
}

TEST_CASE("an expression of any length is refused before it is bound") {
  const auto faults = plan_text(filtered_by("n in (" + repeated("1 ,", 70'000) + "1)")).faults;
  REQUIRE(!faults.empty());
  CHECK(faults.front().code == "expression_too_long");
  CHECK(plan_text(filtered_by(repeated("` ", 100'000))).faults.size() <= 101);
}
