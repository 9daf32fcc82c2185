#include "tests/engine/expression/evaluating.hpp"

#include "engine/values/types.hpp"

#include <arrow/scalar.h>
#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

TEST_CASE("every function gives what its example says") {
  context().params["due_at()"] =
      std::make_shared<arrow::TimestampScalar>(context().now_microseconds, sluice::timestamptz_type());
  for (const auto& each : functions()) {
    INFO(each.name << ": " << each.example);
    CHECK_FALSE(each.summary.empty());
    CHECK_FALSE(each.signature.empty());
    if (each.kind == "aggregate" || each.kind == "window") continue;
    CHECK(value_of(each.example) == each.result);
  }
  context().params.erase("due_at()");
}
