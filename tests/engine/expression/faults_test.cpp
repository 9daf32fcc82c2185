#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

const std::vector<column> columns = {{"carrier", "text", "[\"AA\"]"},
                                     {"dep_delay", "integer", "[1]"},
                                     {"Origin", "text", "[\"JFK\"]"},
                                     {"day", "date", "[1]"}};

std::string faults(const std::string& text) { return faults_of(text, columns); }

}  // namespace

TEST_CASE("a fault points at its byte and says what to do") {
  CHECK(faults("carier = 'AA'") == "unknown_column@0 there is no column carier [did you mean carrier?]");
  CHECK(faults("dep_delay > 15 and carier = 'AA'") ==
        "unknown_column@19 there is no column carier [did you mean carrier?]");
  CHECK(faults("carrier = \"AA\"") ==
        "unknown_column@10 there is no column AA [double quotes are for names, single quotes for text: 'AA']");
  CHECK(faults("'ü' = zzz").starts_with("unknown_column@7"));  // bytes, not characters
  CHECK(faults("uper(carrier)") == "unknown_function@0 there is no function uper [did you mean upper?]");
  CHECK(faults("round()") ==
        "wrong_argument_count@0 round takes 1 to 2 arguments, found 0 [round(number) or round(number, digits) -> "
        "double, decimal for decimals]");
  CHECK(faults("dep_delay +") == "invalid_expression@11 expected a value, found the end");
  CHECK(faults("") ==
        "invalid_expression@0 the expression is empty [write a column, for example amount, or a condition, for example "
        "amount > 0]");
  CHECK(faults("(dep_delay") == "invalid_expression@10 expected ) of the parenthesis, found the end");
  CHECK(faults("dep_delay)") == "invalid_expression@9 the expression should end before )");
  CHECK(faults("dep delay > 1") ==
        "invalid_expression@4 the expression should end before delay [put a name that contains a space in double "
        "quotes: \"dep delay\"]");
  CHECK(faults("carrier = 'it's'").starts_with("invalid_expression@"));
  CHECK(faults("carrier = 'AA") ==
        "invalid_expression@10 the text that begins here has no closing quote ' [write a ' inside a text twice: "
        "'it''s']");
  CHECK(faults("1 < dep_delay < 3") == "invalid_expression@14 comparisons can't be chained [write a < b and b < c]");
  CHECK(faults("dep_delay::bigin") == "unknown_type@11 there is no type bigin [did you mean bigint?]");
  CHECK(faults("cast(dep_delay as decimal(77))").starts_with("invalid_type@18"));
  CHECK(faults("where = 1") ==
        "invalid_expression@0 expected a value, found where [where is an SQL keyword; put a column of this name in "
        "double quotes: \"where\"]");
  CHECK(faults("${day}") ==
        "invalid_expression@0 write a parameter as $name in an expression [its typed value is used, not its text]");
  CHECK(faults("sum(dep_delay)").starts_with("misplaced_aggregate@0"));
  CHECK(faults("lag(dep_delay) over (x)") ==
        "invalid_expression@21 expected partition by, order by, a frame or ) in over (...), found x");
  CHECK(faults("lag(dep_delay) over (order by day)").starts_with("misplaced_window_function@0"));
  CHECK(
      faults("carrier in (select 1)") ==
      "invalid_expression@12 in (select ...) can't be used in an expression [write the transform sql: \"select ...\", "
      "or a join with how: semi with the unit that has the other rows]");
  CHECK(faults("carrier not in (select 1)").find("how: anti") != std::string::npos);
  CHECK(faults("not exists (select 1)").find("how: anti") != std::string::npos);
  CHECK(faults("exists (select 1)").find("how: semi") != std::string::npos);
  CHECK(faults("(select max(x) from y)").find("how: left") != std::string::npos);
  CHECK(faults("carrier ~ '('").starts_with("invalid_pattern@10"));
  CHECK(faults("extract(yeer from day)") == "unknown_field@8 there is no field yeer [did you mean year?]");
  CHECK(faults("12abc") ==
        "invalid_expression@0 '12abc' is neither a number nor a name [put a name that begins with a digit in \"double "
        "quotes\"]");
}

TEST_CASE("what users of other languages write is corrected") {
  CHECK(faults("dep_delay == 1") == "invalid_expression@10 == is not an operator here [SQL compares with a single =]");
  CHECK(faults("dep_delay = 1 && day = day") ==
        "invalid_expression@14 && is not an operator between conditions [write and]");
  CHECK(faults("`carrier` = 'AA'")
            .starts_with("invalid_expression@0 ` is not an operator here [quote names with \"double quotes\"]"));
  CHECK(faults("dep_delay != 1") == "ok");
}

TEST_CASE("several faults of one expression are reported together") {
  CHECK(faults("carier = 'AA' and dep_dely > foo(day)") ==
        "unknown_column@0 there is no column carier [did you mean carrier?]; unknown_column@18 there is no column "
        "dep_dely [did you "
        "mean dep_delay?]; unknown_function@29 there is no function foo [sluice functions lists them]");
  CHECK(faults("a == 1 && b == 2").find("@2 ") != std::string::npos);
  CHECK(faults("a == 1 && b == 2").find("@12 ") != std::string::npos);
}

TEST_CASE("names are exact, else whatever their case where that is unique") {
  CHECK(faults("origin = 'x'") == "ok");
  CHECK(faults("\"Origin\" = 'x'") == "ok");
  CHECK(faults("ORDERS.Origin = 'x'") == "ok");
  CHECK(faults_of("id = 1", {{"id", "integer", "[1]"}, {"ID", "integer", "[1]"}}) == "ok");
  CHECK(faults_of("Id = 1", {{"id", "integer", "[1]"}, {"ID", "integer", "[1]"}}) ==
        "ambiguous_column@0 the column Id is ambiguous: it could be id, \"ID\" [write the exact name, in double quotes "
        "if it has capital letters]");
  CHECK(faults("order.day = day") == "unknown_unit@0 this unit has no input named order [did you mean orders.day?]");
  CHECK(faults("orders.dya = day") == "unknown_column@0 there is no column orders.dya [did you mean day?]");
}

TEST_CASE("columns of two inputs are told apart by their unit") {
  const auto left = rows_of({{"id", "integer", "[1]"}, {"total", "integer", "[1]"}});
  const auto right = rows_of({{"id", "integer", "[1]"}});
  const scope names{.inputs = {{"orders", left.data->schema()}, {"customers", right.data->schema()}},
                    .context = &context(),
                    .unit = "u"};
  sluice::diagnostics problems;
  CHECK(sluice::expression::bind(std::string_view("customers.id"), names, std::string(), problems)->as_column() == 2);
  CHECK(resolve_column("total", names, "", problems) == 1);
  CHECK(resolve_column("customers.id", names, "", problems) == 2);
  CHECK(problems.empty());
  CHECK_FALSE(resolve_column("id", names, "/using", problems));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].message == "the column id is ambiguous: it could be orders.id, customers.id");
  CHECK(problems[0].hint == "put the unit's name before it: orders.id");
}

TEST_CASE("expressions without end are refused, not followed") {
  const auto repeated = [](const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  for (const auto& text :
       {repeated("(", 100'000), repeated("(", 100'000) + "1" + repeated(")", 100'000),
        repeated("not ", 100'000) + "true", repeated("- ", 100'000) + "1", "1" + repeated(" + 1", 100'000),
        "1" + repeated("::text", 100'000), repeated("case when ", 100'000), repeated("abs(", 100'000),
        "carrier" + repeated("[1]", 100'000), "true" + repeated(" and true", 100'000),
        "1" + repeated(" is null", 10'000)}) {
    INFO(text.substr(0, 20));
    CHECK(faults(text) != "ok");
  }
  CHECK(faults("1" + repeated(" + 1", 400)) == "ok");
  CHECK(faults(repeated("(", 140) + "1" + repeated(")", 140)) == "ok");
  // Values that are used twice must not double the work at every level.
  CHECK(faults(repeated("(", 100) + "dep_delay = 1" + repeated(") between false and true", 100)) == "ok");
}

TEST_CASE("no sequence of tokens breaks the parser or the binder") {
  const std::vector<std::string> pieces = {
      "(",          ")",         "dep_delay", "carrier",    "day",      "'x'",      "'2024-01-01'",
      "1",          "2.5",       "1e9",       "null",       "true",     "and",      "or",
      "not",        "is",        "between",   "in",         "like",     "case",     "when",
      "then",       "else",      "end",       "::",         "integer",  "text",     "decimal(5,2)",
      "date",       "+",         "-",         "*",          "/",        "%",        "=",
      "<",          "||",        "~",         ",",          ".",        "[",        "]",
      "cast(",      "coalesce(", "round(",    "substring(", "from",     "extract(", "year",
      "interval",   "'1 day'",   "count(",    "sum(",       "distinct", "filter",   "$day",
      "\"Origin\"", "E'\\u12",   "--",        "/*",         "^"};
  std::mt19937 random(7);
  const auto rows = rows_of(columns);
  int bound_ones = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const auto count = 1 + random() % 9;
    for (std::size_t i = 0; i < count; ++i) text += pieces[random() % pieces.size()] + (random() % 4 == 0 ? "" : " ");
    sluice::diagnostics problems;
    const auto made = sluice::expression::bind(text, scope_of(rows), std::string("/x"), problems);
    INFO(text);
    REQUIRE((made != nullptr) == problems.empty());
    for (const auto& each : problems) {
      REQUIRE(each.offset.has_value());
      REQUIRE(*each.offset <= text.size());
      REQUIRE_FALSE(each.message.empty());
    }
    if (!made) continue;
    ++bound_ones;
    REQUIRE(made->evaluate(rows).ok());
  }
  CHECK(bound_ones > 200);
}
