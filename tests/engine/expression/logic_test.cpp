#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression::testing;

namespace {

const std::vector<column> truth = {{"a", "boolean", "[true, true, true, false, false, false, null, null, null]"},
                                   {"b", "boolean", "[true, false, null, true, false, null, true, false, null]"}};

}  // namespace

TEST_CASE("logic has three values") {
  CHECK(values_of("a and b", truth) == "true|false|null|false|false|false|null|false|null");
  CHECK(values_of("a or b", truth) == "true|true|true|true|false|null|true|null|null");
  CHECK(values_of("not a", truth) == "false|false|false|true|true|true|null|null|null");
  CHECK(values_of("a = b", truth) == "true|false|null|false|true|null|null|null|null");
  CHECK(values_of("a is distinct from b", truth) == "false|true|true|true|false|true|true|true|false");
  CHECK(values_of("a is not distinct from b", truth) == "true|false|false|false|true|false|false|false|true");
  CHECK(values_of("a is null", truth) == "false|false|false|false|false|false|true|true|true");
  CHECK(values_of("a is not null", truth) == "true|true|true|true|true|true|false|false|false");
  CHECK(values_of("b is true", truth) == "true|false|false|true|false|false|true|false|false");
  CHECK(values_of("b is not true", truth) == "false|true|true|false|true|true|false|true|true");
  CHECK(values_of("b is false", truth) == "false|true|false|false|true|false|false|true|false");
  CHECK(values_of("b is unknown", truth) == "false|false|true|false|false|true|false|false|true");
  CHECK(values_of("a and null", truth) == "null|null|null|false|false|false|null|null|null");
  CHECK(values_of("a or null", truth) == "true|true|true|null|null|null|null|null|null");
}

TEST_CASE("null in a list makes not found unknown") {
  const std::vector<column> rows = {{"x", "integer", "[1, 9, null]"}};
  CHECK(values_of("x in (1, 2)", rows) == "true|false|null");
  CHECK(values_of("x in (1, null)", rows) == "true|null|null");
  CHECK(values_of("x not in (1, null)", rows) == "false|null|null");
  CHECK(values_of("x in (1, 2, 3, 4, 5, 6)", rows) == "true|false|null");
  CHECK(values_of("x in (1, 2, 3, 4, 5, null)", rows) == "true|null|null");
  CHECK(values_of("x not in (1, 2, 3, 4, 5, null)", rows) == "false|null|null");
  CHECK(values_of("x in (x + 0, 3)", rows) == "true|true|null");
  CHECK(values_of("x between null and 5", rows) == "null|false|null");
}

TEST_CASE("comparisons with null are null") {
  const std::vector<column> rows = {{"x", "integer", "[1, null]"}, {"y", "integer", "[null, 1]"}};
  for (const std::string op : {"=", "<>", "<", "<=", ">", ">="})
    CHECK(values_of("x " + op + " y", rows) == "null|null");
  CHECK(values_of("x = null", rows) == "null|null");
  CHECK(values_of("x + null", rows) == "null|null");
  CHECK(values_of("x is distinct from y", rows) == "true|true");
}
