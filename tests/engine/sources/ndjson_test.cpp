#include "tests/engine/sources/ndjson_reading.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace sluice;
using namespace sluice::test;

TEST_CASE_METHOD(ndjson_fixture, "broken records go to the rejects with what they held, good ones stay") {
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
  CHECK(all.rejected.back().message == "the record is truncated: its JSON object is not complete");
}

TEST_CASE_METHOD(ndjson_fixture, "bytes that are no UTF-8 reject only their record") {
  const auto all = must_read(ndjson(), from("{\"a\": \"x\"}\n{\"a\": \"\xff\"}\n{\"a\": \"\xc3\xbc\"}\n"));
  CHECK(codes(all) == std::vector<std::string>{"invalid_utf8"});
  CHECK(value(all, "a", 1) == "\xc3\xbc");
}

TEST_CASE_METHOD(ndjson_fixture, "a row taken back leaves nothing in any column") {
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

TEST_CASE_METHOD(ndjson_fixture, "a key that is in no record of the sample is not lost silently") {
  // Of three: the first, one of the middle and the last.
  auto what = from("{\"a\": 1}\n{\"a\": 2}\n{\"a\": 4, \"new\": 1}\n{\"a\": 3}\n");
  what.sample = 1;
  const auto all = must_read(ndjson(), what);
  CHECK(codes(all) == std::vector<std::string>{"unknown_field"});
  CHECK(all.rejected[0].column == "new");
  what.columns = {"a"};
  CHECK(must_read(ndjson(), what).table->num_rows() == 4);
}

TEST_CASE_METHOD(ndjson_fixture, "splits of any size give the same rows, positions and rejects") {
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
      const auto place = parts.positions[i];
      const auto& piece = splits[place.split];
      REQUIRE(piece.begin + place.offset == whole.positions[i].offset);
      // The mark in front of the file belongs to the first split, whatever its size.
      REQUIRE((piece.begin == 0 || piece.begin + place.offset < piece.end));
      REQUIRE(text[static_cast<std::size_t>(piece.begin + place.offset)] == '{');
    }
  }
}

TEST_CASE_METHOD(ndjson_fixture, "lines of records are counted for messages") {
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

TEST_CASE_METHOD(ndjson_fixture, "packed files and standard formats of lines are read alike") {
  auto what = from("{\"a\": 1}\r\n{\"a\": 2}\r\n");
  CHECK(value(must_read(ndjson(), what), "a", 1) == "2");
  REQUIRE(std::system(("gzip -k " + folder.file("t.ndjson")).c_str()) == 0);
  what.own["path"] = "t.ndjson.gz";
  const auto packed = must_read(ndjson(), what);
  CHECK(packed.splits == 1);
  CHECK(value(packed, "a", 1) == "2");
}

TEST_CASE_METHOD(ndjson_fixture, "only needed columns are read, but their records are still checked") {
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

TEST_CASE_METHOD(ndjson_fixture, "a key that comes twice is refused, whether somebody wants it or not") {
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

TEST_CASE_METHOD(ndjson_fixture, "objects in columns that nobody reads are checked as if they were read") {
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

TEST_CASE_METHOD(ndjson_fixture, "an empty source needs given types") {
  CHECK(faults_of(ndjson(), from("")).at(0).code == "empty_source");
  CHECK(faults_of(ndjson(), from("\n \n")).at(0).code == "empty_source");
  const auto all = must_read(ndjson(), from("", {{"a", "bigint"}}));
  CHECK(all.table->num_rows() == 0);
  CHECK(schema_of(all) == "a bigint");
  CHECK(faults_of(ndjson(), from("{}", {{"a", "bigingt"}})).at(0).path == "/types/a");
}

TEST_CASE_METHOD(ndjson_fixture, "a record longer than a block is read") {
  const auto all = must_read(ndjson(), from("{\"a\": \"" + std::string(9 << 20, 'x') + "\"}\n{\"a\": \"y\"}\n"));
  CHECK(value(all, "a", 0).size() == 9 << 20);
  CHECK(value(all, "a", 1) == "y");
}

TEST_CASE_METHOD(ndjson_fixture, "nesting without end is refused, not followed") {
  const auto all =
      must_read(ndjson(), from("{\"a\": " + std::string(100'000, '[') + "\n{\"a\": 1}\n", {{"a", "text"}}));
  CHECK(all.rejected.size() == 1);
  CHECK(all.table->num_rows() == 1);
}
