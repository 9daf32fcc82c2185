#include "engine/values/types.hpp"
#include "engine/error/names.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <catch2/catch.hpp>

using namespace sluice;

namespace {

std::string parsed(const std::string& text) {
  const auto type = parse_type(text);
  return type.ok() ? type_name(**type)
                   : type.problem().code + "@" + std::to_string(type.problem().offset.value_or(999));
}

std::string text_of(const std::string& type, const std::string& json) {
  return value_text(*arrow::json::ArrayFromJSONString(*parse_type(type), "[" + json + "]").ValueOrDie(), 0);
}

}  // namespace

TEST_CASE("types and their aliases are read, whatever their case and spacing") {
  CHECK(parsed("BIGINT") == "bigint");
  CHECK(parsed(" int64 ") == "bigint");
  CHECK(parsed("varchar") == "text");
  CHECK(parsed("double precision") == "double");
  CHECK(parsed("timestamp with time zone") == "timestamptz");
  CHECK(parsed("timestamp") == "timestamp");
  CHECK(parsed("numeric( 12 , 2 )") == "decimal(12,2)");
  CHECK(parsed("decimal(76)") == "decimal(76,0)");
  CHECK(parsed("text[][]") == "text[][]");
  CHECK(parsed("struct(a bigint, \"B c\" struct(d text[]))") == "struct(a bigint, \"B c\" struct(d text[]))");
  CHECK((*parse_type("decimal(38,2)"))->id() == arrow::Type::DECIMAL128);
  CHECK((*parse_type("decimal(39,2)"))->id() == arrow::Type::DECIMAL256);
}

TEST_CASE("faults of a type say where and what is nearest") {
  CHECK(parsed("  bigin") == "unknown_type@2");
  CHECK(parse_type("bigin").problem().hint == "did you mean bigint?");
  CHECK(parsed("decimal(") == "invalid_type@8");
  CHECK(parsed("decimal(77,1)") == "invalid_type@0");
  CHECK(parsed("decimal(4,5)") == "invalid_type@0");
  CHECK(parsed("text]") == "invalid_type@4");
  CHECK(parsed("struct(a bigint, b txt)") == "unknown_type@19");
  CHECK(parsed("varchar(0)") == "invalid_type@0");
  CHECK(parsed("text(10)") == "not_supported_yet@4");
  std::string deep = "text";
  for (int i = 0; i < 10'000; ++i) deep += "[]";
  CHECK(parsed(deep).substr(0, 12) == "invalid_type");
}

TEST_CASE("values have one canonical text") {
  CHECK(text_of("double", "0.1") == "0.1");
  CHECK(text_of("double", "100000") == "100000");
  CHECK(text_of("double", "123456789012345") == "123456789012345");
  CHECK(text_of("double", "1e15") == "1e+15");
  CHECK(text_of("double", "0.0001") == "0.0001");
  CHECK(text_of("double", "0.00001") == "1e-05");
  CHECK(text_of("double", "-0.0") == "-0");
  CHECK(text_of("double", "NaN") == "NaN");
  CHECK(text_of("double", "-Inf") == "-Infinity");
  CHECK(text_of("real", "0.1") == "0.1");
  CHECK(text_of("ubigint", "18446744073709551615") == "18446744073709551615");
  CHECK(text_of("decimal(12,2)", "\"-0.05\"") == "-0.05");
  CHECK(text_of("decimal(38,0)", "\"99999999999999999999999999999999999999\"") ==
        "99999999999999999999999999999999999999");
  CHECK(text_of("decimal(38,20)", "\"-1.00000000000000000005\"") == "-1.00000000000000000005");
  CHECK(text_of("decimal(5,0)", "\"0\"") == "0");
  CHECK(text_of("decimal(5,2)", "\"0.00\"") == "0.00");
  CHECK(text_of("decimal(50,3)", "\"123456789012345678901234567890123456789012.345\"") ==
        "123456789012345678901234567890123456789012.345");
  CHECK(text_of("boolean", "true") == "true");
  CHECK(text_of("date", "19844") == "2024-05-01");
  CHECK(text_of("date", "-719529") == "0002-12-31 BC");
  CHECK(text_of("timestamp", "1714564800500000") == "2024-05-01 12:00:00.5");
  CHECK(text_of("timestamp", "-1") == "1969-12-31 23:59:59.999999");
  CHECK(text_of("timestamptz", "0") == "1970-01-01 00:00:00+00");
  CHECK(text_of("time", "45296000001") == "12:34:56.000001");
  CHECK(text_of("interval", "[14, 3, 14706000000000]") == "1 year 2 mons 3 days 04:05:06");
  CHECK(text_of("interval", "[0, 0, 0]") == "00:00:00");
  CHECK(text_of("interval", "[0, -1, -360000000000000]") == "-1 days -100:00:00");
  CHECK(text_of("bytea", "\"\\u0001a\"") == "\\x0161");
  CHECK(text_of("bigint[]", "[1, null, 3]") == "[1,null,3]");
  CHECK(text_of("struct(a double, b date, c text)", "[1.5, 0, \"x\\\"y\"]") ==
        R"({"a":1.5,"b":"1970-01-01","c":"x\"y"})");
  CHECK(text_of("text", "null").empty());
}

TEST_CASE("decimals of any make become those that the language can name") {
  const auto of = [](const std::shared_ptr<arrow::DataType>& type) {
    const auto made = language_type(type);
    if (!made) return std::string("none");
    CHECK((*parse_type(type_name(*made)))->Equals(*made));
    return type_name(*made);
  };
  CHECK(of(arrow::decimal128(12, 2)) == "decimal(12,2)");
  CHECK(of(arrow::decimal256(50, 2)) == "decimal(50,2)");
  CHECK(of(arrow::decimal256(12, 2)) == "decimal(12,2)");
  CHECK(of(arrow::smallest_decimal(5, 1)) == "decimal(5,1)");
  CHECK(of(arrow::decimal128(10, -3)) == "decimal(13,0)");
  CHECK(of(arrow::decimal128(37, -3)) == "decimal(40,0)");
  CHECK(of(arrow::decimal256(76, -1)) == "none");
  CHECK(of(arrow::decimal128(2, 5)) == "decimal(5,5)");
  const auto plain = arrow::decimal128(12, 2);
  CHECK(language_type(plain) == plain);
}

TEST_CASE("the nearest name is offered only where it is near") {
  CHECK(nearest_name("carier", {"flight", "carrier"}) == "carrier");
  CHECK(nearest_name("CARRIER", {"carrier"}) == "carrier");
  CHECK(nearest_name("ab", {"ba"}) == "ba");
  CHECK(nearest_name("dest", {"origin", "tailnum"}).empty());
}

TEST_CASE("durations and sizes need units that are known") {
  CHECK(*parse_duration("90s") == 90'000'000);
  CHECK(*parse_duration("1h30m") == 5'400'000'000);
  CHECK(*parse_duration("250ms") == 250'000);
  CHECK(*parse_duration("1.5s") == 1'500'000);
  CHECK(*parse_duration("0") == 0);
  CHECK(parse_duration("10").problem().code == "invalid_duration");
  CHECK(parse_duration("1x").problem().code == "invalid_duration");
  CHECK(parse_duration("").problem().code == "invalid_duration");
  CHECK(*parse_size("512MiB") == 512LL * 1024 * 1024);
  CHECK(*parse_size("2GB") == 2'000'000'000);
  CHECK(*parse_size("100") == 100);
  CHECK(*parse_size("1 kB") == 1000);
  CHECK(parse_size("3 apples").problem().code == "invalid_size");
  CHECK(parse_size("-1").problem().code == "invalid_size");
}
