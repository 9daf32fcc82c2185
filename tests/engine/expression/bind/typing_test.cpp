#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

const std::vector<column> columns = {
    {"s", "smallint", "[1]"},
    {"i", "integer", "[1]"},
    {"b", "bigint", "[1]"},
    {"u", "ubigint", "[1]"},
    {"r", "real", "[1]"},
    {"d", "double", "[1]"},
    {"m", "decimal(12,2)", "[\"1.00\"]"},
    {"t", "text", "[\"1\"]"},
    {"y", "bytea", "[\"1\"]"},
    {"dt", "date", "[1]"},
    {"tm", "time", "[1]"},
    {"ts", "timestamp", "[1]"},
    {"tz", "timestamptz", "[1]"},
    {"iv", "interval", "[[0,1,0]]"},
    {"f", "boolean", "[true]"},
    {"l", "bigint[]", "[[1]]"},
    {"st", "struct(x date, y text)", "[[1,\"k\"]]"},
};

std::string type(const std::string& text) { return type_of(text, columns); }

}  // namespace

TEST_CASE("numbers are promoted as in PostgreSQL") {
  CHECK(type("s + s") == "smallint");
  CHECK(type("s + 1") == "integer");
  CHECK(type("s + i") == "integer");
  CHECK(type("i + b") == "bigint");
  CHECK(type("i / i") == "integer");
  CHECK(type("b * r") == "double");
  CHECK(type("r * r") == "real");
  CHECK(type("r + 1") == "double");
  CHECK(type("d + m") == "double");
  CHECK(type("b + u") == "decimal(21,0)");
  CHECK(type("i + 3000000000") == "bigint");
  CHECK(type("99999999999999999999") == "decimal(20,0)");
  CHECK(type("1e2") == "double");
  CHECK(type("0.50") == "decimal(2,2)");
  CHECK(type("-0.5") == "decimal(1,1)");
  CHECK(type("2 ^ 2") == "double");
}

TEST_CASE("decimals keep every place, quotients PostgreSQL's digits") {
  CHECK(type("m + m") == "decimal(13,2)");
  CHECK(type("m + 1") == "decimal(13,2)");
  CHECK(type("m * m") == "decimal(24,4)");
  CHECK(type("m * (1 - 0.05)") == "decimal(14,4)");
  CHECK(type("m / 3") == "decimal(30,20)");
  CHECK(type("m % 7") == "decimal(3,2)");
  CHECK(type("m * m * m * m") == "decimal(38,8)");
  CHECK(type("m::decimal(38,2) / 7") == "decimal(56,20)");
  CHECK(type("m + i") == "decimal(13,2)");
}

TEST_CASE("dates and times combine as in PostgreSQL") {
  CHECK(type("dt - dt") == "integer");
  CHECK(type("dt + 1") == "date");
  CHECK(type("1 + dt") == "date");
  CHECK(type("dt + s") == "date");
  CHECK(type("dt + iv") == "timestamp");
  CHECK(type("iv + dt") == "timestamp");
  CHECK(type("dt + tm") == "timestamp");
  CHECK(type("ts - ts") == "interval");
  CHECK(type("ts - dt") == "interval");
  CHECK(type("ts - iv") == "timestamp");
  CHECK(type("tz + iv") == "timestamptz");
  CHECK(type("tz - ts") == "interval");
  CHECK(type("tm - tm") == "interval");
  CHECK(type("tm + iv") == "time");
  CHECK(type("iv * 2") == "interval");
  CHECK(type("2 * iv") == "interval");
  CHECK(type("iv / 2.5") == "interval");
  CHECK(type("-iv") == "interval");
  CHECK(type("current_date") == "date");
  CHECK(type("now()") == "timestamptz");
  CHECK(type("extract(year from dt)") == "decimal(10,0)");
  CHECK(type("date_part('year', dt)") == "double");
}

TEST_CASE("a bare text takes the type of what it meets") {
  CHECK(type("dt = '2024-05-01'") == "boolean");
  CHECK(type("coalesce(dt, '2024-05-01')") == "date");
  CHECK(type("case when f then 1.5 else '2' end") == "decimal(2,1)");
  CHECK(type("ts - '1 day'") == "timestamp");
  CHECK(type("i + '1'") == "integer");
  CHECK(type("'a'") == "text");
  CHECK(type("null") == "text");
  CHECK(type("null + 1") == "integer");
  CHECK(type("dt in ('2024-05-01', '2024-05-02')") == "boolean");
  CHECK(type("dt = 'tomorrow'") == "invalid_literal@5 expected date, found 'tomorrow' [write a date as '2024-05-01']");
}

TEST_CASE("branches come together in their common type") {
  CHECK(type("case when f then s else b end") == "bigint");
  CHECK(type("case when f then i else m end") == "decimal(12,2)");
  CHECK(type("case when f then dt else ts end") == "timestamp");
  CHECK(type("coalesce(ts, tz)") == "timestamptz");
  CHECK(type("greatest(1, 2.5, d)") == "double");
  CHECK(type("nullif(i, 0)") == "integer");
  CHECK(type("case when f then null else i end") == "integer");
}

TEST_CASE("types that don't go together are named, with a cast that helps") {
  CHECK(type("t + 1") == "type_mismatch@2 there is no text + integer [cast it: t::integer]");
  CHECK(type("t > 5") == "type_mismatch@2 there is no text > integer [cast it: t::integer]");
  CHECK(type("t + t") == "type_mismatch@2 there is no text + text [use || to join texts]");
  CHECK(type("f + 1") ==
        "type_mismatch@2 there is no boolean + integer [cast one side to the type of the other, for example x::text]");
  CHECK(type("not i") == "type_mismatch@4 not expects boolean, found integer [write a condition, for example x > 0]");
  CHECK(type("i and f") == "type_mismatch@0 and expects boolean, found integer [write a condition, for example x > 0]");
  CHECK(type("upper(i)") == "type_mismatch@6 upper expects text, found integer [cast it: i::text]");
  CHECK(type("coalesce(i, t)") ==
        "type_mismatch@12 coalesce needs values of the same type, found integer and text [cast it: t::integer]");
  CHECK(type("l + 1").starts_with("type_mismatch@2 there is no bigint[] + integer"));
  CHECK(type("dt::boolean") == "type_mismatch@0 a value of type date can't be cast to boolean");
  CHECK(type("-t") == "type_mismatch@0 there is no -text [cast it: x::double]");
}

TEST_CASE("fields and elements have the types that their containers say") {
  CHECK(type("l[1]") == "bigint");
  CHECK(type("st.x") == "date");
  CHECK(type("(st).y") == "text");
  CHECK(type("orders.st.y") == "text");
  CHECK(type("st.yy") == "unknown_field@0 the struct has no field yy [did you mean y?]");
  CHECK(type("i[1]").starts_with("type_mismatch@1"));
}

TEST_CASE("params are values of their type") {
  CHECK(type("$day") == "date");
  CHECK(type("dt = $day") == "boolean");
  CHECK(type("$dya") == "unknown_param@0 the pipeline has no parameter dya [did you mean $day?]");
}

TEST_CASE("a bound expression tells its columns and whether it is one") {
  const auto rows = rows_of(columns);
  const auto names = scope_of(rows);
  sluice::diagnostics faults;
  const auto bind_one = [&](const std::string& text) { return sluice::expression::bind(text, names, "/x", faults); };
  CHECK(bind_one("b + s * case when f then b else 1 end")->columns() == std::vector<int>{0, 2, 14});
  CHECK(bind_one("i between 1 and s")->columns() == std::vector<int>{0, 1});
  CHECK(bind_one("(i)")->as_column() == 1);
  CHECK(bind_one("ORDERS.I")->as_column() == 1);
  CHECK_FALSE(bind_one("i + 0")->as_column());
  CHECK(bind_one("1 + 2 * 3")->to_string() == "7");
  CHECK(bind_one("1 + 1")->constant().value()->ToString() == "2");
  CHECK(bind_one("$day + 1")->constant().value()->ToString() == "2024-05-02");
  CHECK(bind_one("1 / 0")->constant().problem().code == "division_by_zero");
  REQUIRE(faults.empty());
  CHECK(bind_condition("i > 0", names, "/x", faults) != nullptr);
  CHECK(bind_condition("i", names, "/filter", faults) == nullptr);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].path == "/filter");
}

TEST_CASE("the canonical text of an expression means the same again") {
  const auto rows = rows_of(columns);
  for (const std::string text : {"i + b * 2 - -s",
                                 "not (f and i > 1) or f",
                                 "m * (1 - 0.05)",
                                 "case i when 1 then 'a''b' else t end",
                                 "l[1] + 1",
                                 "st.x - dt",
                                 "extract(year from ts)",
                                 "t || i || null",
                                 "dt between '2024-01-01' and '2024-02-01'",
                                 "i not in (1, 2, 3, 4, 5, 6)",
                                 "coalesce(d, r * 1.5::real)",
                                 "f is not true",
                                 "i is distinct from null",
                                 "ts + interval '1 day 2 hours'",
                                 "greatest(i, 2, s)",
                                 "'NaN'::double",
                                 "t like 'a%' and t ~ '[0-9]'",
                                 "position('a' in t)",
                                 "-i",
                                 "- (i - 1)",
                                 "i - (i - 1)",
                                 "(f = f) = f",
                                 "2 ^ (d ^ 2)",
                                 "round(m, 1)::text"}) {
    INFO(text);
    sluice::diagnostics faults;
    const auto first = sluice::expression::bind(text, scope_of(rows), std::string("/x"), faults);
    REQUIRE(first);
    const auto again = sluice::expression::bind(first->to_string(), scope_of(rows), std::string("/x"), faults);
    INFO(first->to_string() << " " << faults_text(faults));
    REQUIRE(again);
    CHECK(again->to_string() == first->to_string());
    CHECK(values_of(text, rows) == values_of(first->to_string(), rows));
  }
}
