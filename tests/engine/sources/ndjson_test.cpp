#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/types.hpp"
#include "engine/value_text.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <random>

using namespace sluice;
using namespace sluice::test;

namespace {

class fixture {
 public:
  fixture() : context(make_context(folder.path().string())) {}

  source_request from(const std::string& text, options types = {}, const std::string& name = "t.ndjson") {
    (void)folder.write(name, text);
    source_request made;
    made.unit = "in";
    made.own = {{"path", name}};
    made.types = std::move(types);
    made.context = &context;
    return made;
  }

  temporary_folder folder;
  run_context context;
};

const component& ndjson() { return *find_component(component_kind::source, "ndjson"); }

std::string schema_of(const read_result& all) { return schema_text(*all.table->schema()); }

std::string value(const read_result& all, const std::string& column, int row) {
  const auto values = all.table->GetColumnByName(column);
  return values->chunk(0)->IsNull(row) ? "null" : value_text(*values->chunk(0), row);
}

std::vector<std::string> codes(const read_result& all) {
  std::vector<std::string> found;
  for (const auto& record : all.rejected) found.push_back(record.code);
  return found;
}

}  // namespace

TEST_CASE_METHOD(fixture, "columns and types of JSON records are inferred") {
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

TEST_CASE_METHOD(fixture, "kinds that do not go together are text, as they stand") {
  const auto all =
      must_read(ndjson(), from("{\"a\": 1.50}\n{\"a\": \"x\"}\n{\"a\": {\"b\": [1,  2]}}\n{\"a\": true}\n"));
  CHECK(schema_of(all) == "a text");
  CHECK(value(all, "a", 0) == "1.50");
  CHECK(value(all, "a", 2) == "{\"b\": [1,  2]}");
  CHECK(value(all, "a", 3) == "true");
}

TEST_CASE_METHOD(fixture, "escapes of JSON texts are resolved, whatever stands around them") {
  const auto all =
      must_read(ndjson(), from(R"({"\u0061": "q\"s\\ \/ \b\f\n\r\t \u00fc \ud83d\ude00 0123456789abcdef0123456789"})"
                               "\n"));
  CHECK(schema_of(all) == "a text");
  CHECK(value(all, "a", 0) == "q\"s\\ / \b\f\n\r\t \u00fc \U0001F600 0123456789abcdef0123456789");
}

TEST_CASE_METHOD(fixture, "numbers keep their value to the last bit") {
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

TEST_CASE_METHOD(fixture, "doubles are read as strtod reads them") {
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

TEST_CASE_METHOD(fixture, "broken records go to the rejects with what they held, good ones stay") {
  const auto all = must_read(ndjson(), from("{\"a\": 1, \"b\": \"x\"}\n"
                                            "{\"a\": 2, \"b\": \"x\n"  // cut off
                                            "\"b\"}\n"                 // its rest
                                            "{\"a\": 3, \"a\": 4}\n"   // twice
                                            "{\"a\": 5} {\"a\": 6}\n"  // two
                                            "[1, 2]\n"                 // no object
                                            "{\"a\": 7,}\n"
                                            "{\"a\": 08}\n"
                                            "{\"a\": 1, \"b\": \"\\x\"}\n"
                                            "{\"a\": 1, \"b\": \"\\ud83d\"}\n"
                                            "{\"a\": tru}\n"
                                            "   \n"  // nothing is no record
                                            "\r\n"
                                            "{\"b\": \"y\", \"a\": 9}\r\n"
                                            "{\"a\": 10"));  // the file's end is missing
  CHECK(all.records == 13);
  CHECK(all.table->num_rows() == 2);
  CHECK(value(all, "a", 1) == "9");
  CHECK(value(all, "b", 1) == "y");
  CHECK(codes(all) == std::vector<std::string>{"invalid_json", "invalid_json", "duplicate_key", "invalid_json",
                                               "invalid_json", "invalid_json", "invalid_json", "invalid_json",
                                               "invalid_json", "invalid_json", "invalid_json"});
  CHECK(all.rejected[0].record == "{\"a\": 2, \"b\": \"x");
  CHECK(all.rejected[0].offset == 19);
  CHECK(all.rejected.back().record == "{\"a\": 10");
  CHECK(all.rejected.back().message == "the record ends in the middle of its JSON object");
}

TEST_CASE_METHOD(fixture, "bytes that are no UTF-8 reject only their record") {
  const auto all = must_read(ndjson(), from("{\"a\": \"x\"}\n{\"a\": \"\xff\"}\n{\"a\": \"\xc3\xbc\"}\n"));
  CHECK(codes(all) == std::vector<std::string>{"invalid_utf8"});
  CHECK(value(all, "a", 1) == "\xc3\xbc");
}

TEST_CASE_METHOD(fixture, "a value that is none of its given type follows on_error") {
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

TEST_CASE_METHOD(fixture, "a row taken back leaves nothing in any column") {
  const options types = {{"a", "text"}, {"l", "text[]"}, {"s", "struct(t text[], u bigint)"}, {"z", "bigint"}};
  const auto all = must_read(ndjson(), from(R"({"a": "one", "l": ["p"], "s": {"t": ["q"], "u": 1}, "z": 1}
{"a": "bad", "l": ["bad", null], "s": {"t": ["bad"], "u": 2}, "z": "no number"}
{"a": "bad", "l": ["bad"], "s": {"t": ["bad", 
{"a": null, "l": ["bad"], "s": {"t": ["bad"], "u": "bad"}}
{"a": "two", "l": [null], "s": null, "z": 2}
)",
                                            types));
  CHECK(all.rejected.size() == 3);
  CHECK(value(all, "a", 1) == "two");
  CHECK(value(all, "l", 0) == R"(["p"])");
  CHECK(value(all, "l", 1) == "[null]");
  CHECK(value(all, "s", 0) == R"({"t":["q"],"u":1})");
  CHECK(value(all, "s", 1) == "null");
}

TEST_CASE_METHOD(fixture, "given types take numbers, booleans and times from texts, exactly or not at all") {
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

TEST_CASE_METHOD(fixture, "a value that contradicts the sample fails and says which line mends it") {
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

TEST_CASE_METHOD(fixture, "a key that is in no record of the sample is not lost silently") {
  // Of three: the first, one of the middle and the last.
  auto what = from("{\"a\": 1}\n{\"a\": 2}\n{\"a\": 4, \"new\": 1}\n{\"a\": 3}\n");
  what.sample = 1;
  const auto all = must_read(ndjson(), what);
  CHECK(codes(all) == std::vector<std::string>{"unknown_field"});
  CHECK(all.rejected[0].column == "new");
  what.columns = {"a"};
  CHECK(must_read(ndjson(), what).table->num_rows() == 4);
}

TEST_CASE_METHOD(fixture, "splits of any size give the same rows, positions and rejects") {
  std::string text = "\xef\xbb\xbf";
  std::mt19937 random(3);
  for (int i = 0; i < 600; ++i) {
    if (i % 100 == 7) text += "{broken\n";
    if (i % 300 == 1) text += "\n";
    text += "{\"id\": " + std::to_string(i) + ", \"t\": \"" + std::string(random() % 60, 'x') + "\"}\n";
  }
  text.pop_back();
  auto what = from(text, {{"id", "bigint"}, {"t", "text"}});
  what.split_bytes = std::int64_t{1} << 40;
  const auto whole = must_read(ndjson(), what);
  CHECK(whole.splits == 1);
  CHECK(whole.table->num_rows() == 600);
  CHECK(whole.rejected.size() == 6);
  diagnostics faults;
  for (const std::int64_t bytes : {1000, 1, 63, 777, 10'000}) {
    what.split_bytes = bytes;
    const auto parts = must_read(ndjson(), what);
    CAPTURE(bytes, parts.splits);
    REQUIRE(parts.splits > 1);
    CHECK(parts.table->Equals(*whole.table));
    CHECK(parts.rejected.size() == whole.rejected.size());
    const auto made = ndjson().make_source(what, faults);
    const auto splits = *made->discover();
    for (std::size_t i = 0; i < parts.positions.size(); i += 101) {
      const auto place = position::unpack(parts.positions[i]);
      const auto& piece = splits[place.split];
      REQUIRE(static_cast<std::uint64_t>(piece.begin) + place.offset == position::unpack(whole.positions[i]).offset);
      // The mark in front of the file belongs to the first split, whatever its size.
      REQUIRE((piece.begin == 0 || piece.begin + static_cast<std::int64_t>(place.offset) < piece.end));
      REQUIRE(text[static_cast<std::size_t>(piece.begin) + place.offset] == '{');
    }
  }
}

TEST_CASE_METHOD(fixture, "lines of records are counted for messages") {
  auto what = from("{\"a\": 1}\n\n{\"a\": 2}\n{\"a\": oops}\n");
  what.split_bytes = 12;
  const auto all = must_read(ndjson(), what);
  REQUIRE(all.rejected.size() == 1);
  diagnostics faults;
  const auto made = ndjson().make_source(what, faults);
  const auto splits = *made->discover();
  REQUIRE(splits.size() == 3);
  CHECK(made->line_of(splits[0], 10) == 3);
  CHECK(made->line_of(splits[1], 19 - 12) == 4);
}

TEST_CASE_METHOD(fixture, "packed files and standard formats of lines are read alike") {
  auto what = from("{\"a\": 1}\r\n{\"a\": 2}\r\n");
  CHECK(value(must_read(ndjson(), what), "a", 1) == "2");
  REQUIRE(std::system(("gzip -k " + folder.file("t.ndjson")).c_str()) == 0);
  what.own["path"] = "t.ndjson.gz";
  const auto packed = must_read(ndjson(), what);
  CHECK(packed.splits == 1);
  CHECK(value(packed, "a", 1) == "2");
}

TEST_CASE_METHOD(fixture, "only needed columns are read, but their records are still checked") {
  auto what = from(
      "{\"a\": 1, \"b\": {\"c\": [1, 2]}, \"d\": \"x\"}\n{\"a\": 2, \"b\": {\"c\": [1, 2}, \"d\": \"y\"}\n{\"b\": 1, "
      "\"d\": \"z\", \"d\": \"z\"}\n");
  const auto all = must_read(ndjson(), [&] {
    auto typed = what;
    typed.types = {{"a", "bigint"}, {"b", "text"}, {"d", "text"}};
    return typed;
  }());
  what.types = {{"a", "bigint"}, {"b", "text"}, {"d", "text"}};
  what.resolved = all.table->schema();
  what.needed = {"a"};
  const auto some = must_read(ndjson(), what);
  CHECK(schema_of(some) == "a bigint");
  CHECK(some.table->num_rows() == 1);
  CHECK(codes(some) == std::vector<std::string>{"invalid_json", "duplicate_key"});
}

TEST_CASE_METHOD(fixture, "a key that comes twice is refused, whether somebody wants it or not") {
  const std::string long_key(120, 'k');
  std::string many = "{\"a\": 9";
  for (int i = 0; i < 1500; ++i) many += ", \"key " + std::to_string(i) + "\": 0";
  auto what = from(
      "{\"a\": 1, \"z\": 1, \"z\": 2}\n"        // known from here on
      "{\"a\": 2, \"z\": 1, \"z\": 2}\n"        // and now
      "{\"z\": 1, \"a\": 3, \"\\u007a\": 2}\n"  // written in two ways
      "{\"a\": 4, \"" +
          long_key + "\": 1, \"" + long_key + "\": 2}\n" + many + "}\n" +  // more keys than are remembered, each once
          many + ", \"key 1400\": 1}\n" +                                  // one of those that are not, twice
          "{\"a\": 5, \"key 1400\": 1, \"x\": 1}\n"
          "{\"a\": 6, \"y\": 1, \"w\": {\"b\": 1}}\n",
      {{"a", "bigint"}});
  what.columns = {"a"};
  const auto all = must_read(ndjson(), what);
  CHECK(codes(all) == std::vector<std::string>(5, "duplicate_key"));
  REQUIRE(all.table->num_rows() == 3);
  CHECK(value(all, "a", 0) == "9");
  CHECK(value(all, "a", 1) == "5");
  CHECK(value(all, "a", 2) == "6");
}

TEST_CASE_METHOD(fixture, "objects in columns that nobody reads are checked as if they were read") {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "{\"a\": 1, \"o\": {\"k\": 1, \"l\": [{\"m\": 1}, {\"m\": null}]}}\n";
  const auto fine = text;
  text +=
      "{\"a\": 2, \"o\": {\"k\": 1, \"k\": 1}}\n"
      "{\"a\": 3, \"o\": {\"k\": 1, \"l\": [{\"m\": 1}, {\"m\": 1, \"m\": 2}]}}\n"
      "{\"a\": 4, \"o\": {\"new\": 1}}\n"
      "{\"a\": 5, \"o\": {\"k\": 1, \"l\": [}}\n"
      "{\"a\": 6, \"o\": null}\n" +
      fine;
  auto what = from(text);
  what.resolved = arrow::schema({arrow::field("a", parse_type("bigint").value()),
                                 arrow::field("o", parse_type("struct(k bigint, l struct(m bigint)[])").value())});
  const auto all = must_read(ndjson(), what);
  CHECK(codes(all) == std::vector<std::string>{"duplicate_key", "duplicate_key", "unknown_field", "invalid_json"});
  what.needed = {"a"};
  const auto some = must_read(ndjson(), what);
  CHECK(codes(some) == codes(all));
  CHECK(some.table->num_rows() == all.table->num_rows());
  CHECK(schema_of(some) == "a bigint");
}

TEST_CASE_METHOD(fixture, "an empty source needs given types") {
  CHECK(faults_of(ndjson(), from("")).at(0).code == "empty_source");
  CHECK(faults_of(ndjson(), from("\n \n")).at(0).code == "empty_source");
  const auto all = must_read(ndjson(), from("", {{"a", "bigint"}}));
  CHECK(all.table->num_rows() == 0);
  CHECK(schema_of(all) == "a bigint");
  CHECK(faults_of(ndjson(), from("{}", {{"a", "bigingt"}})).at(0).path == "/types/a");
}

TEST_CASE_METHOD(fixture, "a record longer than a block is read") {
  const auto all = must_read(ndjson(), from("{\"a\": \"" + std::string(9 << 20, 'x') + "\"}\n{\"a\": \"y\"}\n"));
  CHECK(value(all, "a", 0).size() == 9 << 20);
  CHECK(value(all, "a", 1) == "y");
}

TEST_CASE_METHOD(fixture, "nesting without end is refused, not followed") {
  const auto all =
      must_read(ndjson(), from("{\"a\": " + std::string(100'000, '[') + "\n{\"a\": 1}\n", {{"a", "text"}}));
  CHECK(all.rejected.size() == 1);
  CHECK(all.table->num_rows() == 1);
}
