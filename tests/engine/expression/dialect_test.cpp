// Where PostgreSQL's answer is the reference; tests/postgres asks a real one.
#include "tests/engine/expression/checking.hpp"

#include "engine/expression/bind/typing.hpp"

#include <catch2/catch.hpp>

using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

std::string failed(const std::string& text) {
  const auto given = value_of(text);
  return given[0] == '!' ? given.substr(1, given.find(':') - 1) : "no error but " + given;
}

}  // namespace

TEST_CASE("a double that is too large or too close to zero is an error") {
  for (const auto* const text :
       {"exp(-800)", "1e-300 * 1e-300", "1e-300 / 1e300", "1e-300::real", "1e300::real", "10::double ^ -400",
        "power(10, -400)", "1e-30::real * 1e-30::real", "1e-30::real / 1e30::real", "0.5::double ^ 2000",
        "(1e-46::double)::real", "power(10, 400)"}) {
    INFO(text);
    CHECK(failed(text) == "out_of_range");
  }
  CHECK(failed("1e300 * 1e300") == "numeric_overflow");
  CHECK(value_of("1e-300 * 0") == "0");
  CHECK(value_of("0 / 1e300::double") == "0");
  CHECK(value_of("1e-300 / 'Infinity'::double") == "0");
  CHECK(value_of("exp('-Infinity'::double)") == "0");
  CHECK(value_of("0::double::real") == "0");
  CHECK(value_of("0::double ^ 3") == "0");
  CHECK(value_of("1e-300 * 1e-20") == "1e-320");  // PostgreSQL lets numbers lose digits before they are zero
}

TEST_CASE("functions are errors outside of their domain, infinities included") {
  for (const auto* const text :
       {"sqrt(-1)", "sqrt('-Infinity'::double)", "ln(0)", "ln(-1)", "ln('-Infinity'::double)", "log(0)",
        "log('-Infinity'::double)", "log(0, 64)", "log(1, 64)", "log(2, 0)", "log(-2, 8)", "0::double ^ -1",
        "0::double ^ '-Infinity'::double", "(-8)::double ^ 0.5", "'-Infinity'::double ^ 0.5"}) {
    INFO(text);
    CHECK(failed(text) == "out_of_range");
  }
  check_all({{"sqrt('Infinity'::double)", "Infinity"},
             {"sqrt('NaN'::double)", "NaN"},
             {"ln('Infinity'::double)", "Infinity"},
             {"'NaN'::double ^ 0", "1"},
             {"1::double ^ 'NaN'::double", "1"},
             {"'-Infinity'::double ^ 3", "-Infinity"},
             {"'-Infinity'::double ^ 2", "Infinity"},
             {"2::double ^ '-Infinity'::double", "0"},
             {"0.5::double ^ '-Infinity'::double", "Infinity"},
             {"(-2)::double ^ 3", "-8"},
             {"log(2, 8)", "3"},
             {"log(10, 1000)", "3"},
             {"sign('NaN'::double)", "0"},
             {"sign('-0'::double)", "0"},
             {"sign('-Infinity'::double)", "-1"},
             {"-(-2147483648)", "2147483648"},
             {"- -9223372036854775808", "9223372036854775808"},
             {"-(-(-5))", "-5"}});
  CHECK(type_of("-(-2147483648)") == "bigint");
  CHECK(type_of("-2147483648") == "integer");
}

TEST_CASE("a quotient of decimals has at least PostgreSQL's significant digits") {
  CHECK(value_of("1.0 / 3") == "0.33333333333333333333");
  CHECK(value_of("2.00 / 700000.00") == "0.000002857142857142857143");
  CHECK(value_of("10.00 / 1.19").starts_with("8.4033613445378151"));
  CHECK(values_of("a / b", {{"a", "decimal(12,2)", R"(["2.00", "0.01", "9999999999.99"])"},
                            {"b", "decimal(12,2)", R"(["700000.00", "9999999999.99", "0.01"])"}}) ==
        "0.0000028571428571428571428571|0.0000000000010000000000010000|999999999999.0000000000000000000000000000");
  CHECK(type_of("a / b", {{"a", "decimal(12,2)", "[]"}, {"b", "decimal(12,2)", "[]"}}) == "decimal(40,28)");
  CHECK(type_of("a / 3", {{"a", "decimal(12,2)", "[]"}}) == "decimal(30,20)");
  CHECK(type_of("a / b", {{"a", "decimal(38,2)", "[]"}, {"b", "decimal(38,2)", "[]"}}) == "decimal(76,38)");
  CHECK(values_of("a / b", {{"a", "decimal(38,2)", R"(["-999999999999999999999999999999999999.99", "1", null, "1"])"},
                            {"b", "decimal(38,2)", R"(["0.01", "-3", "1", "0"])"}}) ==
        "-99999999999999999999999999999999999999.00000000000000000000000000000000000000|"
        "-0.33333333333333333333333333333333333333|null|!division_by_zero: division by zero: 1.00 / 0.00");
  // PostgreSQL's own scale, by the digits of the two numbers.
  CHECK(quotient_places(0, 1) == 20);
  CHECK(quotient_places(2, 6) == 24);
  CHECK(quotient_places(4, 4) == 24);
  CHECK(quotient_places(0, 0) == 16);
}

TEST_CASE("quotients that are rounded to a few places have 38 digits again") {
  const std::vector<column> sums = {{"a", "decimal(38,2)", R"(["10", "-1"])"}, {"b", "decimal(38,2)", R"(["4", "3"])"}};
  CHECK(type_of("round(a / b, 2)", sums) == "decimal(38,2)");
  CHECK(values_of("round(a / b, 2)", sums) == "2.50|-0.33");
  CHECK(type_of("trunc(a / b)", sums) == "decimal(38,0)");
  CHECK(type_of("(a / b)::decimal(18,6)", sums) == "decimal(18,6)");
  CHECK(type_of("round(a / b, 30)", sums) == "decimal(69,30)");
}

TEST_CASE("rounding has room for the digit that is carried") {
  CHECK(value_of("round(9999::decimal(4,0), -1)") == "10000");
  CHECK(value_of("round(9999.5, 0)") == "10000");
  CHECK(value_of("round(-99.99, 1)") == "-100.0");
  CHECK(value_of("ceil(9.5)") == "10");
  CHECK(values_of("round(d, n)", {{"d", "decimal(4,0)", R"(["9999", "9999"])"}, {"n", "integer", "[-1, 0]"}}) ==
        "10000|9999");
  CHECK(values_of("round(d, -2)", {{"d", "decimal(38,0)", R"(["99999999999999999999999999999999999999"])"}})
            .starts_with("!numeric_overflow"));
}

TEST_CASE("letters change case by Unicode's simple mappings, and digits belong to words") {
  CHECK(value_of("upper('Straße')") == "STRAßE");
  CHECK(value_of("upper('ßé ẞ')") == "ßÉ ẞ");
  CHECK(value_of("lower('ÄẞÉ')") == "äßé");
  CHECK(value_of("initcap('3rd street')") == "3rd Street");
  CHECK(value_of("initcap('x2y ÉCOLE o''neil über-uns ß')") == "X2y École O'Neil Über-Uns ß");
  CHECK(values_of("upper(t)", {{"t", "text", R"(["ß", null, "aß", ""])"}}) == "ß|null|Aß|");
  CHECK(values_of("initcap(t)", {{"t", "text", R"(["ab CD", null, ""])"}}) == "Ab Cd|null|");
}

TEST_CASE("concat writes booleans as t and f, || writes them out") {
  CHECK(value_of("concat('a', true)") == "at");
  CHECK(value_of("concat_ws('-', true, null, false, 1)") == "t-f-1");
  CHECK(value_of("'a' || true") == "atrue");
  CHECK(values_of("concat(o, '!')", {{"o", "boolean", "[true, null, false]"}}) == "t!|!|f!");
}

TEST_CASE("texts with E know bytes, in octal and hexadecimal, and code points") {
  CHECK(value_of(R"(E'\101\60')") == "A0");
  CHECK(value_of(R"(E'De\123'::bytea = 'DeS'::bytea)") == "true");
  CHECK(value_of(R"(E'\x41\x4a1')") == "AJ1");
  CHECK(value_of(R"(E'\303\244 \xc3\xa4 \u00e4 \U000000e4')") == "ä ä ä ä");
  CHECK(value_of(R"(E'\ud83d\ude00')") == value_of(R"(E'\U0001f600')"));
  CHECK(value_of(R"(E'\xg \q \8')") == "xg q 8");
  CHECK(value_of(R"('\101')") == R"(\101)");
  for (const auto* const text : {R"(E'\xe4')", R"(E'\344')", R"(E'\0')", R"(E'\x00')", R"(E'\u12')", R"(E'\ud83d')",
                                 R"(E'\ude00')", R"(E'\ud83dx')", R"(E'\U00110000')"}) {
    INFO(text);
    CHECK(value_of(text).starts_with("invalid_expression@"));
  }
}

TEST_CASE("small forms of SQL") {
  CHECK(value_of("substring('hello' for 2)") == "he");
  CHECK(value_of("nullif(null, 1) is null") == "true");
  CHECK(type_of("nullif(null, 1)") == "integer");
  CHECK(value_of("nullif('a', null)") == "a");
}

TEST_CASE("a bare text beside a decimal keeps its digits, as the number would") {
  const std::vector<column> rows = {{"d", "decimal(10,2)", R"(["1.01"])"}, {"k", "decimal(4,4)", R"(["0.0001"])"}};
  const std::vector<std::pair<std::string, std::string>> all = {
      {"d = '1.005'", "false"},
      {"d = '1.01'", "true"},
      {"d > '1.0099999'", "true"},
      {"d in ('1.005', '2')", "false"},
      {"d in ('1.005', '2', '3', '4', '5', '1.0100')", "true"},
      {"d between '1.0101' and '2'", "false"},
      {"nullif(d, '1.005')", "1.01"},
      {"case d when '1.005' then 1 else 2 end", "2"},
      {"greatest(d, '1.015')", "1.015"},
      {"coalesce(null::decimal(10,2), '1.005')", "1.005"},
      {"d + '0.005'", "1.015"},
      {"k < '-2.25'", "false"},
      {"k < '1e-3'", "true"},
      {"k = ' +0.00005 '", "false"},
      {"d < '12345678901234567890123456789012345678901.5'", "true"},
      {"'1.005'::decimal(10,2)", "1.01"}};
  for (const auto& [text, wanted] : all) {
    INFO(text);
    CHECK(values_of(text, rows) == wanted);
  }
  CHECK(type_of("coalesce(d, '2.5')", rows) == "decimal(10,2)");
  CHECK(values_of("d = '1.0.5'", rows).starts_with("invalid_literal@"));
}

TEST_CASE("what a test gives can be compared") {
  CHECK(value_of("1 is null = false") == "true");
  CHECK(value_of("true is true = true is not null") == "true");
  CHECK(value_of("not 1 isnull = true") == "true");
  CHECK(value_of("1 is null <> false is unknown") == "false");
  CHECK(value_of("1 is distinct from 2 = true").starts_with("type_mismatch@"));
  CHECK(value_of("1 is null = false = true").starts_with("invalid_expression@"));
}

TEST_CASE("names of other systems are told what is written here") {
  const std::vector<std::pair<std::string, std::string>> hints = {
      {"ifnull(x, 0)", "write coalesce(x, y)"},
      {"nvl(x, 0)", "write coalesce(x, y)"},
      {"if(x > 1, 2, 3)", "write case when condition then a else b end"},
      {"iff(x > 1, 2, 3)", "write case when condition then a else b end"},
      {"year(x)", "write extract(year from x), with the unit that you need"},
      {"Month(x)", "write extract(year from x), with the unit that you need"},
      {"len('a')", "write length(x)"},
      {"datediff(x, x)", "subtract dates: b - a gives days; for seconds between times write extract(epoch from b - a)"},
      {"date_format(x, 'a')", "write to_char(x, 'YYYY-MM-DD'), or strftime(x, '%Y-%m-%d')"}};
  for (const auto& [text, hint] : hints) {
    INFO(text);
    const auto fault = faults_of(text, {{"x", "integer", "[1]"}});
    CHECK(fault.starts_with("unknown_function@0 there is no function "));
    CHECK(fault.ends_with("[" + hint + "]"));
  }
  const std::vector<std::pair<std::string, std::string>> nested = {
      {"json_extract(t, '$.a')", "write x -> 'key', x ->> 'key' for text, x #> array['a', 'b'] for a path"},
      {"list_contains(t, 'a')", "write x = any(list)"}};
  for (const auto& [text, hint] : nested) {
    INFO(text);
    CHECK(faults_of(text, {{"t", "text", "[\"a\"]"}}).ends_with("[" + hint + "]"));
  }
  CHECK(faults_of("string_agg('a', ',')").starts_with("misplaced_aggregate@0 string_agg is an aggregate"));
  CHECK(faults_of("approx_count_distinct('a')").starts_with("misplaced_aggregate@0"));
  CHECK(faults_of("5 div 2").ends_with("[/ between integers is integer division]"));
  CHECK(faults_of("'a' rlike 'b'").find("write x ~ 'pattern'") != std::string::npos);
}
