#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"
#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

const std::vector<column> columns = {{"country", "text", "[\"DE\"]"},
                                     {"day", "date", "[1]"},
                                     {"net", "decimal(12,2)", "[\"1.00\"]"},
                                     {"qty", "integer", "[1]"},
                                     {"price", "double", "[1]"},
                                     {"u", "ubigint", "[1]"},
                                     {"ok", "boolean", "[true]"},
                                     {"big", "decimal(38,2)", "[\"1\"]"}};

std::string described(const std::string& text) {
  const auto rows = rows_of(columns);
  sluice::diagnostics faults;
  const auto made = bind_aggregate(text, scope_of(rows), {"day", "country"}, "/compute/x", faults);
  if (!made) return faults_text(faults);
  std::string out;
  for (const auto& call : made->calls) {
    if (!out.empty()) out += ", ";
    out += call.function + "(" + (call.distinct ? "distinct " : "") +
           (call.argument ? call.argument->to_string() : "") + ")";
    if (call.filter) out += " where " + call.filter->to_string();
    out += " " + sluice::type_name(*call.type);
  }
  return out + (made->final ? " -> " + sluice::type_name(*made->type) : "");
}

}  // namespace

TEST_CASE("a bare aggregate is one call") {
  CHECK(described("count(*)") == "count_star() bigint");
  CHECK(described("count(net)") == "count(net) bigint");
  CHECK(described("count(distinct country)") == "count(distinct country) bigint");
  CHECK(described("sum(qty)") == "sum(qty) bigint");
  CHECK(described("sum(u)") == "sum(u) ubigint");
  CHECK(described("sum(net)") == "sum(net) decimal(38,2)");
  CHECK(described("sum(price)") == "sum(price) double");
  CHECK(described("sum(price * (1 - 0.1))") == "sum(price * 0.9) double");
  CHECK(described("avg(qty)") == "avg(qty) double");
  CHECK(described("avg(net)") == "avg(net) decimal(38,28)");
  CHECK(described("avg(big)") == "avg(big) decimal(76,28)");
  CHECK(described("max(day)") == "max(day) date");
  CHECK(described("min(country)") == "min(country) text");
  CHECK(described("stddev_samp(qty)") == "stddev(qty) double");
  CHECK(described("var_pop(qty)") == "var_pop(qty) double");
  CHECK(described("every(ok)") == "bool_and(ok) boolean");
  CHECK(described("first(country)") == "first(country) text");
  CHECK(described("sum(qty) filter (where ok and price > 0)") == "sum(qty) where ok and price > 0 bigint");
}

TEST_CASE("expressions over aggregates are taken apart, equal calls are one") {
  CHECK(described("sum(price) / count(*)") == "sum(price) double, count_star() bigint -> double");
  CHECK(described("sum(qty) + sum(qty) * 2") == "sum(qty) bigint -> bigint");
  CHECK(described("round(avg(net), 2)") == "avg(net) decimal(38,28) -> decimal(13,2)");
  CHECK(described("country || ': ' || count(*)") == "count_star() bigint -> text");
  CHECK(described("max(day) - day") == "max(day) date -> integer");
  CHECK(described("sum(qty) filter (where ok) / sum(qty)") == "sum(qty) where ok bigint, sum(qty) bigint -> bigint");
  CHECK(described("case when count(*) > 1 then sum(qty) end") == "count_star() bigint, sum(qty) bigint -> bigint");
}

TEST_CASE("the final expression reads the keys, then the calls") {
  const auto rows = rows_of(columns);
  sluice::diagnostics faults;
  const auto made = bind_aggregate("orders.day + count(*)::integer - sum(qty)::integer", scope_of(rows),
                                   {"country", "day"}, "/x", faults);
  REQUIRE(made);
  CHECK(made->final->columns() == std::vector<int>{1, 2, 3});
  const auto groups = rows_of({{"country", "text", "[\"DE\", \"FR\"]"},
                               {"day", "date", "[10, null]"},
                               {"c0", "bigint", "[5, 6]"},
                               {"c1", "bigint", "[7, 8]"}});
  const auto values = made->final->evaluate(groups);
  REQUIRE(values.ok());
  CHECK(sluice::value_text(*values->values, 0) == "1970-01-09");
  CHECK(values->values->IsNull(1));
}

TEST_CASE("what can't be gathered is refused with the place and the reason") {
  CHECK(described("qty + count(*)") ==
        "not_grouped@0 the column qty is neither in `by` nor inside an aggregate [add it to by, or write "
        "any_value(qty)]");
  CHECK(described("sum(sum(qty))") ==
        "nested_aggregate@4 sum can't be used inside another aggregate [aggregate twice, in two units]");
  CHECK(described("day").starts_with("no_aggregate@0"));
  CHECK(described("sum(country)") ==
        "type_mismatch@4 sum expects a number, found text [cast it: sum(country::double)]");
  CHECK(described("bool_and(qty)") == "type_mismatch@9 bool_and expects boolean, found integer");
  CHECK(described("sum()") == "wrong_argument_count@0 sum takes 1 argument, found 0");
  CHECK(described("sum(*)").starts_with("invalid_expression@0"));
  CHECK(described("sum(qtty) + max(pice)") ==
        "unknown_column@4 there is no column qtty [did you mean qty?]; unknown_column@16 there is no column pice [did "
        "you mean price?]");
  CHECK(described("upper(distinct country)").starts_with("invalid_expression@0"));
}
