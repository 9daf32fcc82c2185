#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

const std::vector<column> numbers = {{"a", "integer", "[1, null, 3, 2147483647]"},
                                     {"z", "integer", "[0, 0, 2, 1]"},
                                     {"t", "text", "[\"7\", \"x\", null, \" 8 \"]"},
                                     {"f", "boolean", "[true, false, null, true]"}};

std::string values(const std::string& text) { return values_of(text, numbers); }

}  // namespace

TEST_CASE("a row that can't be calculated is an error of that row alone") {
  CHECK(values("a / z") == "!division_by_zero: division by zero: 1 / 0|null|1|2147483647");
  CHECK(values("a % z") == "!division_by_zero: division by zero: 1 % 0|null|1|0");
  CHECK(values("a + 1") == "2|null|4|!numeric_overflow: 2147483647 + 1 is out of the range of integer");
  CHECK(values("a * 2") == "2|null|6|!numeric_overflow: 2147483647 * 2 is out of the range of integer");
  CHECK(values("a * 2::bigint") == "2|null|6|4294967294");
  CHECK(values("-a - 2") == "-3|null|-5|!numeric_overflow: -2147483647 - 2 is out of the range of integer");
  CHECK(values("a / z::double").starts_with("!division_by_zero: division by zero: 1 / 0|null|1.5|"));
  CHECK(values("a::smallint") == "1|null|3|!out_of_range: value 2147483647 is out of the range of smallint");
  CHECK(values("t::integer") == "7|!invalid_cast: expected integer, found 'x'|null|8");
  CHECK(values("a::decimal(4,2)") ==
        "1.00|null|3.00|!out_of_range: value 2147483647 is out of the range of decimal(4,2)");
  CHECK(values("make_date(2024, 2, 27 + a)") ==
        "2024-02-28|null|!out_of_range: there is no date 2024-2-30|!numeric_overflow: 27 + 2147483647 is out of the "
        "range of integer");
  CHECK(values("sqrt(1 - a::double)")
            .starts_with("0|null|!out_of_range: sqrt(-2) is not a number that a double can hold|!out_of_range"));
  CHECK(values("1 / 0") == values("1 / (z - z)"));
  CHECK(values("'2024-02-30x' || to_date(t, 'YYYY')::text").starts_with("2024-02-30x0007-01-01|!invalid_cast"));
  CHECK(values_of("-x", {{"x", "smallint", "[-32768, 1]"}}) ==
        "!numeric_overflow: -(-32768) is out of the range of smallint|-1");
  CHECK(values_of("x / -1", {{"x", "bigint", "[-9223372036854775808, 4]"}}) ==
        "!numeric_overflow: -9223372036854775808 / -1 is out of the range of bigint|-4");
  CHECK(values_of("x % -1::bigint", {{"x", "bigint", "[-9223372036854775808, 4]"}}) == "0|0");
  CHECK(values_of("x - 1", {{"x", "ubigint", "[0, 4]"}}) == "-1|3");
  CHECK(values_of("x * 10", {{"x", "double", "[1e308, 1]"}}) ==
        "!numeric_overflow: 1e+308 * 10 is out of the range of double|10");
  CHECK(values_of("x * 10", {{"x", "decimal(38,0)", "[\"99999999999999999999999999999999999999\", \"1\"]"}}) ==
        "!numeric_overflow: 99999999999999999999999999999999999999 * 10 is out of the range of decimal(38,0)|10");
}

TEST_CASE("errors of branches that are not taken don't count") {
  CHECK(values("case when z <> 0 then a / z end") == "null|null|1|2147483647");
  CHECK(values("case when z <> 0 then a / z else -1 end") == "-1|-1|1|2147483647");
  CHECK(values("case when z = 0 then 0 when a / z > 1 then 1 else 2 end") == "0|0|2|1");
  CHECK(values("case when t = 'x' then 0 else t::integer end") == "7|0|null|8");
  CHECK(values("case t when 'x' then 0 else t::integer end") == "7|0|null|8");
  CHECK(values("coalesce(a, a / z)") == "1|null|3|2147483647");
  CHECK(values("coalesce(a, 1 / z)") == "1|!division_by_zero: division by zero: 1 / 0|3|2147483647");
  CHECK(values("coalesce(1, 1 / z)") == "1|1|1|1");
  CHECK(values("z <> 0 and a / z > 0") == "false|false|true|true");
  CHECK(values("z = 0 or a / z > 0") == "true|true|true|true");
  CHECK(values("f or 1 / z > 0") == "true|!division_by_zero: division by zero: 1 / 0|null|true");
  CHECK(values("f and 1 / z > 0") == "!division_by_zero: division by zero: 1 / 0|false|false|true");
  CHECK(values("false and 1 / 0 = 1") == "false|false|false|false");
  CHECK(values("case when f then case when z = 0 then 9 else a / z end else 1 / (z - 2) end") ==
        "9|0|!division_by_zero: division by zero: 1 / 0|2147483647");
}

TEST_CASE("errors of branches that are taken do count, and leave null") {
  CHECK(values("case when z = 0 then a / z end").starts_with("!division_by_zero"));
  CHECK(values("coalesce(a / z, 5)") == "!division_by_zero: division by zero: 1 / 0|5|1|2147483647");
  CHECK(values("(a / z) is null") == "!division_by_zero: division by zero: 1 / 0|true|false|false");
  CHECK(values("greatest(a / z, 5)") == "!division_by_zero: division by zero: 1 / 0|5|5|2147483647");
  CHECK(values("a / z + 2147483647").starts_with("!division_by_zero: division by zero: 1 / 0|null|!numeric_overflow"));
}

TEST_CASE("one row has one error, the first") {
  CHECK(values("(a / z) + (a % z)") == "!division_by_zero: division by zero: 1 / 0|null|2|2147483647");
  CHECK(values("(a / z) between 1 / z and 2")
            .starts_with("!division_by_zero: division by zero: 1 / 0|!division_by_zero: division by zero: 1 / 0|"));
}

TEST_CASE("long values are cut in messages between two characters") {
  std::string value;
  for (int i = 0; i < 100; ++i) value += "é";
  const auto text = values_of("x::integer", {{"x", "text", "[\"" + value + "\"]"}});
  CHECK(text.starts_with("!invalid_cast: expected integer, found 'éé"));
  CHECK(text.ends_with("é...'"));
  CHECK(text.size() < 130);
}

TEST_CASE("slices of columns are read where they begin") {
  const auto rows = rows_of({{"a", "integer", "[1, null, 3, 4, null, 6, 7]"},
                             {"f", "boolean", "[true, null, false, true, true, false, null]"},
                             {"t", "text", "[\"a\", null, \"c\", \"d\", \"e\", null, \"g\"]"},
                             {"m", "decimal(5,2)", "[\"1\", null, \"3\", \"4\", \"5\", null, \"7\"]"}});
  for (const std::string text : {"a + 1", "a > 3", "f and a > 2", "not f", "f is null", "t || 'x'", "t = 'd'", "m * 2",
                                 "coalesce(a, 0)", "t like 'd'", "case when f then a end", "a in (1, 2, 3, 4, 5)",
                                 "a::text", "upper(t)", "length(t)", "f::integer", "m > 3", "1 / (a - 4)"}) {
    INFO(text);
    const auto whole = values_of(text, rows);
    std::string parts;
    for (std::int64_t begin = 0; begin < 7; begin += 2)
      parts += (begin > 0 ? "|" : "") + values_of(text, rows.slice(begin, std::min<std::int64_t>(2, 7 - begin)));
    CHECK(parts == whole);
  }
}

TEST_CASE("no rows give no values") {
  const auto rows = rows_of({{"a", "integer", "[]"}, {"t", "text", "[]"}});
  for (const std::string text : {"a + 1", "t || 'x'", "case when a > 1 then t end", "1 + 1", "random()"})
    CHECK(values_of(text, rows).empty());
}
