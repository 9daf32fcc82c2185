// What CSV, NDJSON and messages share: texts and JSON scalars become rows of typed columns.
#include "engine/columns/typed/rows.hpp"
#include "engine/values/types.hpp"
#include "tests/support/collector.hpp"

#include <catch2/catch.hpp>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::typed;
using testing::must;

namespace {

const null_rules no_nulls{std::vector<std::string>()};

column column_of(const std::string& type, bool given = true, const std::string& name = "v") {
  return must(make_column(name, name, must(parse_type(type)), given));
}

typed::rows rows_of(std::vector<column> columns, bool set_null = false, null_rules nulls = no_nulls) {
  return typed::rows(std::move(columns), set_null, must(zone_clock::find("Europe/Berlin")), std::move(nulls));
}

typed::rows one_column(column of, bool set_null = false, null_rules nulls = no_nulls) {
  std::vector<column> columns;
  columns.push_back(std::move(of));
  return rows_of(std::move(columns), set_null, std::move(nulls));
}

std::vector<std::string> values_of(const arrow::Array& array) {
  REQUIRE(array.ValidateFull().ok());
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < array.length(); ++i)
    texts.push_back(array.IsNull(i) ? "null" : array.GetScalar(i).ValueOrDie()->ToString());
  return texts;
}

/// What a column of a type makes of a text: the value, or the message.
std::string read(const std::string& type, const std::string& text, bool given = true) {
  auto made = one_column(column_of(type, given));
  if (!made.add_text(0, text)) {
    made.take_back();
    CHECK(values_of(*must(made.finish())[0]).empty());
    return made.fault().code + ": " + made.fault().message;
  }
  made.keep();
  return values_of(*must(made.finish())[0])[0];
}

number number_of(const std::string& text, std::uint64_t digits, int exponent = 0, bool negative = false) {
  return {.begin = text.data(),
          .end = text.data() + text.size(),
          .digits = digits,
          .exponent = exponent,
          .negative = negative,
          .whole = exponent == 0};
}

}  // namespace

TEST_CASE("a text becomes a value of every type, or says what was expected") {
  struct sample {
    std::string type, good, value, bad;
  };
  const std::vector<sample> samples = {
      {"boolean", "Yes", "true", "maybe"},
      {"smallint", " -32768 ", "-32768", "32768"},
      {"integer", "+7", "7", "2147483648"},
      {"bigint", "9223372036854775807", "9223372036854775807", "9223372036854775808"},
      {"real", "0.1", "0.1", "1e39"},
      {"double", "1e3", "1000", "1e309"},
      {"decimal(5,2)", "1.50", "1.50", "1.505"},
      {"decimal(50,2)", "-12345678901234567890123456789012345678901234567.5",
       "-12345678901234567890123456789012345678901234567.50", "x"},
      {"text", " a ", " a ", "\xff"},
      {"date", "2024-02-29", "2024-02-29", "2023-02-29"},
      {"time", "12:30:00.5", "12:30:00.500000", "24:30"},
      {"timestamp", "2024-05-01T12:00:00", "2024-05-01 12:00:00.000000", "2024-05-01T12:00:00Z"},
      {"timestamptz", "2024-05-01 12:00:00", "2024-05-01 10:00:00.000000Z", "2024-05-01 25:00:00"},
      {"interval", "1 day 2 hours", "1d0M7200000000000ns", "one day"},
  };
  for (const auto& [type, good, value, bad] : samples) {
    INFO(type);
    if (type == "interval")
      CHECK(read(type, good).find("7200000000000") != std::string::npos);
    else
      CHECK(read(type, good) == value);
    const auto said = read(type, bad);
    INFO(said);
    if (type == "text")
      CHECK(said == "invalid_utf8: expected text, found bytes that are not UTF-8");
    else
      CHECK(said == "invalid_value: expected " + type + ", found '" + bad + "'");
  }
  CHECK(read("bytea", "\\x00fF") == read("bytea", std::string("\0\xff", 2)));
  CHECK(read("bytea", "\\x0") == "invalid_value: expected bytea, found '\\x0'");
}

TEST_CASE("numbers and booleans in a text are none where the type was inferred") {
  CHECK(read("bigint", "7", false) == "invalid_value: expected bigint, found '7'");
  CHECK(read("boolean", "true", false) == "invalid_value: expected boolean, found 'true'");
  CHECK(read("date", "2024-02-29", false) == "2024-02-29");
}

TEST_CASE("a column's formats, decimal sign and thousands separator hold for its texts") {
  const auto with = [](const std::string& type, std::vector<std::string> formats, char decimal, char thousands) {
    return must(make_column(column_plan{.name = "v",
                                        .type = must(parse_type(type)),
                                        .inferred = false,
                                        .formats = std::move(formats),
                                        .decimal = decimal,
                                        .thousands = thousands}));
  };
  auto dates = one_column(with("date", {"%d.%m.%Y", "%m/%d/%y"}, '.', '\0'));
  CHECK(dates.add_text(0, "31.12.2024"));
  dates.keep();
  CHECK(dates.add_text(0, " 12/31/24 "));
  dates.keep();
  CHECK_FALSE(dates.add_text(0, "2024-12-31"));
  dates.take_back();
  CHECK(values_of(*must(dates.finish())[0]) == std::vector<std::string>{"2024-12-31", "2024-12-31"});
  auto amounts = one_column(with("decimal(12,2)", {}, ',', '.'));
  CHECK(amounts.add_text(0, "1.234.567,5"));
  amounts.keep();
  CHECK_FALSE(amounts.add_text(0, "1.23,4"));
  amounts.take_back();
  CHECK(values_of(*must(amounts.finish())[0]) == std::vector<std::string>{"1234567.50"});
}

TEST_CASE("texts that stand for null are null in every column, and no others") {
  for (const std::string type :
       {"boolean", "bigint", "double", "decimal(12,2)", "text", "bytea", "date", "timestamptz", "interval", "time"}) {
    INFO(type);
    auto made = one_column(column_of(type), false, null_rules(std::vector<std::string>{"NA", ""}));
    CHECK(made.add_text(0, "NA"));
    made.keep();
    CHECK(made.add_text(0, ""));
    made.keep();
    made.keep();  // nothing was said of the column
    CHECK(values_of(*must(made.finish())[0]) == std::vector<std::string>{"null", "null", "null"});
  }
  CHECK(read("text", "") == "");
  CHECK(read("bigint", "") == "invalid_value: expected bigint, found ''");
}

TEST_CASE("JSON scalars are held exactly or not at all; text takes them as they stand") {
  const std::string big = "9223372036854775808";
  auto made = one_column(column_of("bigint"));
  CHECK_FALSE(made.add_number(0, number_of(big, 9223372036854775808ULL)));
  CHECK(made.fault().message == "expected bigint, found 9223372036854775808");
  CHECK(made.fault().value == big);
  made.take_back();
  const std::string half = "10e-1";
  CHECK(made.add_number(0, number_of(half, 10, -1)));
  made.keep();
  CHECK_FALSE(made.add_boolean(0, true));
  made.take_back();
  CHECK(values_of(*must(made.finish())[0]) == std::vector<std::string>{"1"});

  auto texts = one_column(column_of("text"));
  CHECK(texts.add_number(0, number_of(half, 10, -1)));
  texts.keep();
  CHECK(texts.add_boolean(0, false));
  texts.keep();
  CHECK(values_of(*must(texts.finish())[0]) == std::vector<std::string>{"10e-1", "false"});
}

TEST_CASE("a row that breaks off leaves nothing behind in any of its columns") {
  const std::vector<std::string> types = {"boolean",       "smallint", "bigint", "double", "decimal(12,2)",
                                          "decimal(50,2)", "text",     "bytea",  "date",   "timestamptz"};
  const std::vector<std::string> good = {"true", "1",   "2",     "3",          "4.00",
                                         "5.00", "six", "seven", "2024-05-08", "2024-05-09"};
  // The row breaks off behind each column in turn, at a value that does not fit or before it.
  for (std::size_t broken = 0; broken <= types.size(); ++broken) {
    std::vector<column> columns;
    for (std::size_t i = 0; i < types.size(); ++i)
      columns.push_back(column_of(types[i], true, "c" + std::to_string(i)));
    columns.push_back(column_of("integer", true, "last"));
    auto made = rows_of(std::move(columns), false, null_rules(std::vector<std::string>{"-"}));
    const auto add = [&](std::size_t count, bool null) {
      for (std::size_t i = 0; i < count; ++i) REQUIRE(made.add_text(i, null ? "-" : good[i]));
    };
    add(types.size(), false);
    REQUIRE(made.add_text(types.size(), "1"));
    made.keep();
    for (const bool null : {false, true}) {
      add(broken, null);
      if (!null) {
        CHECK_FALSE(made.add_text(types.size(), "x"));
        CHECK(made.fault().column == "last");
      }
      made.take_back();
    }
    add(types.size(), true);
    REQUIRE(made.add_text(types.size(), "2"));
    made.keep();
    REQUIRE(made.count() == 2);
    const auto arrays = must(made.finish());
    REQUIRE(arrays.size() == types.size() + 1);
    for (std::size_t i = 0; i < types.size(); ++i) {
      const auto values = values_of(*arrays[i]);
      REQUIRE(values.size() == 2);
      CHECK(values[0] != "null");
      CHECK(values[1] == "null");
      CHECK(arrays[i]->null_count() == 1);
    }
    CHECK(values_of(*arrays.back()) == std::vector<std::string>{"1", "2"});
  }
}

TEST_CASE("lists and structs are taken back with what is inside of them") {
  auto made = one_column(column_of("struct(a bigint, b text[])"));
  const auto fill = [&](int elements) {
    zone_clock utc;
    auto& whole = made.columns()[0];
    REQUIRE(append_text("7", whole.children[0], utc));
    auto& list = whole.children[1];
    for (int i = 0; i < elements; ++i) append_bytes("x", list.children[0]);
    list.offsets.append(static_cast<std::int32_t>(list.children[0].length));
    ++list.length;
    ++whole.length;
  };
  fill(2);
  made.keep();
  fill(3);
  made.take_back();
  made.add_null(0);
  made.keep();
  fill(1);
  made.keep();
  const auto array = must(made.finish())[0];
  REQUIRE(array->ValidateFull().ok());
  REQUIRE(array->length() == 3);
  CHECK(array->IsNull(1));
  CHECK(array->null_count() == 1);
}

TEST_CASE("under set_null misfits of given types are null, and counted with their row alone") {
  std::vector<column> columns;
  columns.push_back(column_of("bigint", true, "a"));
  columns.push_back(column_of("date", true, "b"));
  columns.push_back(column_of("date", false, "c"));
  auto made = rows_of(std::move(columns), true);
  CHECK(made.add_text(0, "x"));
  CHECK(made.add_text(1, "y"));
  CHECK(made.add_text(2, "2024-05-01"));
  made.keep();
  CHECK(made.set_null() == 2);
  CHECK(made.add_text(0, "x"));
  CHECK_FALSE(made.add_text(2, "z"));
  CHECK(made.fault().wrong_guess);  // of a guessed type: the guess is wrong, not the value
  CHECK(made.fault().type == "date");
  made.take_back();
  CHECK(made.set_null() == 2);
  CHECK(made.count() == 1);
}

TEST_CASE("what many rows were written to at once keeps some of them") {
  auto fixed = column_of("bigint");
  auto text = column_of("text");
  for (std::int64_t i = 0; i < 6; ++i) {
    if (i == 3) {
      fixed.append_null();
      text.append_null();
      continue;
    }
    fixed.values.append(i);
    ++fixed.length;
    append_bytes(std::string(static_cast<std::size_t>(i), 'x'), text);
  }
  const std::vector<std::uint32_t> kept = {1, 3, 4};
  fixed.keep(kept);
  text.keep(kept);
  CHECK(values_of(*must(fixed.finish())) == std::vector<std::string>{"1", "null", "4"});
  CHECK(values_of(*must(text.finish())) == std::vector<std::string>{"x", "null", "xxxx"});
}

TEST_CASE("a message shows a long value shortened, on one line") {
  CHECK(quoted_value("a\nb") == "'a b'");
  CHECK(quoted_value(std::string(200, 'x')).size() < 100);
}
