// What becomes of the values of JSON records: types inferred and given.
#include "tests/engine/sources/ndjson_reading.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <random>

using namespace sluice;
using namespace sluice::test;

TEST_CASE_METHOD(ndjson_fixture, "columns and types of JSON records are inferred") {
  const auto all = must_read(
      ndjson(), from(R"({"a": 1, "b": 1.5, "c": "x", "d": true, "e": null, "f": [1, null], "g": {"h": 1, "i": "y"}}
{"a": null, "b": 2, "day": "2024-05-01", "at": "2024-05-01T12:00:00.25", "z": "2024-05-01T12:00:00+02:00", "f": []}
{"j": 18446744073709551615, "k": -123456789012345678901234567890, "m": [{"n": 1}], "o": {}}
)"));
  CHECK(
      schema_of(all) ==
      "a bigint, b double, c text, d boolean, e text, f bigint[], g struct(h bigint, i text), day date, at timestamp, "
      "z timestamptz, j ubigint, k decimal(38,0), m struct(n bigint)[], o text");
  CHECK(all.table->num_rows() == 3);
  CHECK(value(all, "a", 0) == "1");
  CHECK(value(all, "a", 1) == "null");
  CHECK(value(all, "a", 2) == "null");
  CHECK(value(all, "b", 1) == "2");
  CHECK(value(all, "at", 1) == "2024-05-01 12:00:00.25");
  CHECK(value(all, "z", 1) == "2024-05-01 10:00:00+00");
  CHECK(value(all, "j", 2) == "18446744073709551615");
  CHECK(value(all, "k", 2) == "-123456789012345678901234567890");
  CHECK(value(all, "f", 0) == "[1,null]");
  CHECK(value(all, "m", 2) == R"([{"n":1}])");
  CHECK(value(all, "o", 2) == "{}");
}

TEST_CASE_METHOD(ndjson_fixture, "kinds that do not go together are text, as they stand") {
  const auto all =
      must_read(ndjson(), from("{\"a\": 1.50}\n{\"a\": \"x\"}\n{\"a\": {\"b\": [1,  2]}}\n{\"a\": true}\n"));
  CHECK(schema_of(all) == "a text");
  CHECK(value(all, "a", 0) == "1.50");
  CHECK(value(all, "a", 2) == "{\"b\": [1,  2]}");
  CHECK(value(all, "a", 3) == "true");
}

TEST_CASE_METHOD(ndjson_fixture, "escapes of JSON texts are resolved, whatever stands around them") {
  const auto all =
      must_read(ndjson(), from(R"({"\u0061": "q\"s\\ \/ \b\f\n\r\t \u00fc \ud83d\ude00 0123456789abcdef0123456789"})"
                               "\n"));
  CHECK(schema_of(all) == "a text");
  CHECK(value(all, "a", 0) == "q\"s\\ / \b\f\n\r\t \u00fc \U0001F600 0123456789abcdef0123456789");
}

TEST_CASE_METHOD(ndjson_fixture, "numbers keep their value to the last bit") {
  const options types = {
      {"i", "bigint"}, {"u", "ubigint"}, {"d", "double"}, {"c", "decimal(20,4)"}, {"w", "decimal(40,2)"}};
  const auto all = must_read(
      ndjson(),
      from(
          R"({"i": -9223372036854775808, "u": 18446744073709551615, "d": 5e-324, "c": 1234567890123456.7890, "w": 12345678901234567890123456789012345678.9}
{"i": 9223372036854775807, "u": 0, "d": 1.7976931348623157e308, "c": -0.0001, "w": -1e2}
{"i": 1e3, "u": 10.0, "d": 0.1, "c": 12e-1, "w": 0}
{"i": -0, "u": -0, "d": 123456789012345678901234567890, "c": 5, "w": 1}
)",
          types));
  CHECK(all.rejected.empty());
  CHECK(value(all, "i", 0) == "-9223372036854775808");
  CHECK(value(all, "i", 1) == "9223372036854775807");
  CHECK(value(all, "i", 2) == "1000");
  CHECK(value(all, "u", 0) == "18446744073709551615");
  CHECK(value(all, "u", 2) == "10");
  CHECK(value(all, "d", 0) == "5e-324");
  CHECK(value(all, "d", 1) == "1.7976931348623157e+308");
  CHECK(value(all, "d", 3) == "1.2345678901234568e+29");
  CHECK(value(all, "c", 0) == "1234567890123456.7890");
  CHECK(value(all, "c", 1) == "-0.0001");
  CHECK(value(all, "c", 2) == "1.2000");
  CHECK(value(all, "w", 0) == "12345678901234567890123456789012345678.90");
  CHECK(value(all, "w", 1) == "-100.00");
}

TEST_CASE_METHOD(ndjson_fixture, "doubles are read as strtod reads them") {
  std::mt19937_64 random(7);
  std::string text;
  std::vector<double> expected;
  for (int i = 0; i < 20000; ++i) {
    const auto bits = random();
    double value = 0;
    std::memcpy(&value, &bits, 8);
    if (i % 2 == 0) value = static_cast<double>(static_cast<std::int64_t>(bits) % 1000000) / 1000;
    if (!std::isfinite(value)) continue;
    char number[64];
    std::snprintf(number, sizeof number, i % 3 == 0 ? "%.17g" : i % 3 == 1 ? "%.20e" : "%.3g", value);
    expected.push_back(std::strtod(number, nullptr));
    text += "{\"d\": " + std::string(number) + "}\n";
  }
  const auto all = must_read(ndjson(), from(text, {{"d", "double"}}));
  const auto& values = static_cast<const arrow::DoubleArray&>(*all.table->column(0)->chunk(0));
  REQUIRE(values.length() == static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE(values.Value(static_cast<std::int64_t>(i)) == expected[i]);
}

TEST_CASE_METHOD(ndjson_fixture, "a value that is none of its given type follows on_error") {
  const std::string text =
      "{\"a\": 1, \"s\": {\"t\": [1, 2]}}\n{\"a\": \"x\", \"s\": {\"t\": [1, \"y\"]}}\n{\"a\": 3, \"s\": null}\n";
  const options types = {{"a", "bigint"}, {"s", "struct(t bigint[])"}};
  auto what = from(text, types);
  const auto rejected = must_read(ndjson(), what);
  CHECK(rejected.table->num_rows() == 2);
  REQUIRE(rejected.rejected.size() == 1);
  CHECK(rejected.rejected[0].column == "a");
  CHECK(rejected.rejected[0].message == "expected bigint, found \"x\"");
  what.policy = on_error::set_null;
  const auto nulls = must_read(ndjson(), what);
  CHECK(nulls.table->num_rows() == 3);
  CHECK(nulls.set_null == 2);
  CHECK(value(nulls, "s", 1) == R"({"t":[1,null]})");
  what.policy = on_error::fail;
  const auto failed = read_all(ndjson(), what);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.problem().code == "invalid_value");
  CHECK(failed.problem().message == "the record at line 2 of t.ndjson, column a: expected bigint, found \"x\"");
}

TEST_CASE_METHOD(ndjson_fixture, "given types take numbers, booleans and times from texts, exactly or not at all") {
  const options types = {{"i", "smallint"},    {"b", "boolean"}, {"c", "decimal(5,2)"},
                         {"t", "timestamptz"}, {"x", "bytea"},   {"d", "double"}};
  context.timezone = "Europe/Berlin";
  const auto all = must_read(
      ndjson(), from(R"({"i": "-7", "b": "yes", "c": "123.40", "t": "2024-07-01 12:00:00", "x": "\\x6162", "d": "NaN"}
{"i": 32768}
{"c": 1.005}
{"c": 1000}
{"b": 1}
{"t": 5}
)",
                     types));
  CHECK(all.table->num_rows() == 1);
  CHECK(all.rejected.size() == 5);
  CHECK(value(all, "i", 0) == "-7");
  CHECK(value(all, "c", 0) == "123.40");
  CHECK(value(all, "t", 0) == "2024-07-01 10:00:00+00");
  CHECK(value(all, "x", 0) == "\\x6162");
  CHECK(value(all, "d", 0) == "NaN");
}

TEST_CASE_METHOD(ndjson_fixture, "a value that contradicts the sample fails and says which line mends it") {
  auto what = from("{\"n\": {\"a\": 1}}\n{\"n\": {\"a\": 2}}\n{\"n\": {\"a\": \"x\"}}\n");
  what.sample = 1;
  (void)folder.write("t.ndjson",
                     "{\"n\": {\"a\": 1}}\n{\"n\": {\"a\": 2}}\n{\"n\": {\"a\": \"x\"}}\n{\"n\": {\"a\": 3}}\n");
  const auto read = read_all(ndjson(), what);
  REQUIRE_FALSE(read.ok());
  CHECK(read.problem().code == "contradicts_type");
  CHECK(read.problem().message ==
        "column n.a inferred bigint from 3 rows; value '\"x\"' at line 3 of t.ndjson is text: types: { n: text }");
  (void)folder.write("t.ndjson", "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 2.5}\n{\"n\": 2}\n");
  const auto number = read_all(ndjson(), what);
  REQUIRE_FALSE(number.ok());
  CHECK(number.problem().message.find("types: { n: double }") != std::string::npos);
  (void)folder.write("t.ndjson",
                     "{\"n\": {\"a\": 1}}\n{\"n\": {\"a\": 2}}\n{\"n\": {\"a\": \"x\"}}\n{\"n\": {\"a\": 3}}\n");
  what.types = {{"n", "text"}};
  CHECK(value(must_read(ndjson(), what), "n", 2) == "{\"a\": \"x\"}");
}
