#include "engine/component/component.hpp"
#include "engine/values/positions.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

using namespace sluice;

namespace {

/// A folder of a test, removed at its end.
struct test_folder {
  test_folder() {
    char name[] = "/tmp/sluice_csv_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~test_folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name, std::ios::binary) << text;
  }
  std::string path;
};

/// What a source gave in all: rows as text (null: \N), and what it rejected.
struct outcome {
  std::string schema;
  std::vector<std::string> rows;
  std::vector<std::string> rejected;  ///< "code column@line: record"
  std::string problem;                ///< code of the error
  std::string message;
  std::string path;
  std::uint64_t records = 0;
  std::uint64_t set_null = 0;
};

struct request_parts {
  options own;
  options types = {};
  std::vector<std::string> columns = {};
  options metadata = {};
  on_error policy = on_error::reject;
  std::int64_t split_bytes = 8 << 20;
  std::vector<std::string> needed = {};
  int threads = 1;
  std::string timezone = "UTC";
};

std::string row_text(const arrow::RecordBatch& data, std::int64_t row) {
  std::string text;
  for (int i = 0; i < data.num_columns(); ++i) {
    if (i > 0) text += '|';
    text += data.column(i)->IsNull(row) ? "\\N" : value_text(*data.column(i), row);
  }
  return text;
}

outcome failed(const error& why) {
  outcome none;
  none.problem = why.code;
  none.message = why.message;
  none.path = why.path;
  return none;
}

void take(const read_step& step, source& from, const split& piece, outcome& into) {
  into.records += step.records;
  into.set_null += step.set_null;
  if (step.rows.data) {
    REQUIRE(step.rows.data->ValidateFull().ok());
    REQUIRE(step.rows.positions->length() == step.rows.rows());
    for (std::int64_t row = 0; row < step.rows.rows(); ++row) {
      into.rows.push_back(row_text(*step.rows.data, row));
      const auto place = position_at(*step.rows.positions, row);
      REQUIRE(place.split == piece.id);
      REQUIRE(place.offset >= 0);
    }
  }
  for (const auto& bad : step.rejected)
    into.rejected.push_back(bad.code + (bad.column.empty() ? "" : " " + bad.column) + "@" +
                            std::to_string(from.line_of(piece, bad.offset)) + ": " + bad.record);
}

/// Reads all splits, `threads` of them at a time, each reader getting its turn.
outcome read_all(const test_folder& in, const request_parts& parts) {
  run_context context;
  context.base_folder = in.path;
  context.timezone = parts.timezone;
  source_request request;
  request.unit = "orders";
  request.number = 3;
  request.own = parts.own;
  request.types = parts.types;
  request.columns = parts.columns;
  request.metadata = parts.metadata;
  request.policy = parts.policy;
  request.split_bytes = parts.split_bytes;
  request.context = &context;
  const auto* csv = find_component(component_kind::source, "csv");
  REQUIRE(csv != nullptr);
  diagnostics faults;
  auto planned = csv->make_source(request, faults);
  if (!planned) return failed(faults.at(0));
  request.resolved = planned->schema();
  request.needed = parts.needed;
  auto from = csv->make_source(request, faults);
  REQUIRE(from);
  outcome all;
  all.schema = schema_text(*from->schema());
  auto splits = from->discover();
  if (!splits.ok()) return failed(splits.problem());
  std::vector<outcome> each(splits->size());
  for (std::size_t begin = 0; begin < splits->size(); begin += static_cast<std::size_t>(parts.threads)) {
    const auto end = std::min(splits->size(), begin + static_cast<std::size_t>(parts.threads));
    std::vector<std::unique_ptr<split_reader>> readers;
    for (auto i = begin; i < end; ++i) {
      auto reader = from->open((*splits)[i], "");
      if (!reader.ok()) return failed(reader.problem());
      readers.push_back(std::move(*reader));
    }
    // The last reader first: its start can't have been proved by those before it.
    for (auto i = end; i-- > begin;) {
      for (bool more = true; more;) {
        auto step = readers[i - begin]->next();
        if (!step.ok()) return failed(step.problem());
        take(*step, *from, (*splits)[i], each[i]);
        more = !step->end;
      }
    }
  }
  for (const auto& part : each) {
    all.rows.insert(all.rows.end(), part.rows.begin(), part.rows.end());
    all.rejected.insert(all.rejected.end(), part.rejected.begin(), part.rejected.end());
    all.records += part.records;
    all.set_null += part.set_null;
  }
  CHECK(all.records == all.rows.size() + all.rejected.size());
  return all;
}

outcome read_text(const std::string& text, request_parts parts = {}) {
  const test_folder in;
  in.write("t.csv", text);
  parts.own["path"] = "t.csv";
  return read_all(in, parts);
}

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("types are inferred, and an unquoted empty is null while a quoted one is text") {
  const auto got = read_text(
      "id,ok,x,d,t,z,s\n1,true,1.5,2024-02-29,2024-02-29 12:00:00,2024-02-29T12:00:00Z,a\n"
      ",,,,,,\n-3,false,2,1999-12-31,2024-01-01,2024-01-01 00:00:00+02,\"\"\n");
  CHECK(got.schema == "id bigint, ok boolean, x double, d date, t timestamp, z timestamptz, s text");
  CHECK(got.rows == list{"1|true|1.5|2024-02-29|2024-02-29 12:00:00|2024-02-29 12:00:00+00|a",
                         "\\N|\\N|\\N|\\N|\\N|\\N|\\N",
                         "-3|false|2|1999-12-31|2024-01-01 00:00:00|2023-12-31 22:00:00+00|"});
}

TEST_CASE("digits with leading zeros, pluses and integers beyond 64 bits are text") {
  const auto got = read_text("zip,phone,big,n\n01234,+49301,123456789012345678901234,-0\n");
  CHECK(got.schema == "zip text, phone text, big text, n text");
  CHECK(got.rows == list{"01234|+49301|123456789012345678901234|-0"});
}

TEST_CASE("a value that its type would write otherwise makes a column text") {
  for (const std::string value : {"nan",
                                  "inf",
                                  "1E5",
                                  "1e5",
                                  "12E4",
                                  "+5",
                                  ".5",
                                  "5.",
                                  "1_000",
                                  "0x10",
                                  "-0",
                                  "-0.0",
                                  "1.0",
                                  "007",
                                  " 5",
                                  "5 ",
                                  "1e400",
                                  "9007199254740993.5",
                                  "1000000000000000000000",
                                  "0.00001",
                                  "TRUE",
                                  "yes",
                                  "2024-1-1",
                                  " 2024-01-01"}) {
    INFO(value);
    const auto alone = read_text("a,b\n" + value + ",1\n");
    CHECK(alone.rows == list{value + "|1"});
    const auto beside = read_text("a,b\n1234," + value + "\n" + value + ",2.5\n");
    CHECK(beside.rows == list{"1234|" + value, value + "|2.5"});
  }
}

TEST_CASE("digits behind the point of which all values have the same number make a decimal") {
  CHECK(read_text("a,b\n12.50,1.5\n-3.00,2.25\n0.05,3\n").schema == "a decimal(18,2), b double");
  CHECK(read_text("a\n12.50\n3\n").schema == "a text");
  CHECK(read_text("a\n12.50\n3.5\n").schema == "a text");
  CHECK(read_text("a\n12345678901234.50\n3.55\n").schema == "a decimal(38,2)");
  CHECK(read_text("a\nNaN\n3.5\n").schema == "a double");
  CHECK(read_text("a\nNaN\nNaN\n").schema == "a text");
}

TEST_CASE("quotes hold separators, line ends and doubled quotes") {
  const auto got = read_text("a,b\n\"x,y\",\"1\r\n2\"\n\"he said \"\"hi\"\"\",\"\"\"\"\n5\" pipe,a\"b\"c\n");
  CHECK(got.rows == list{"x,y|1\r\n2", "he said \"hi\"|\"", "5\" pipe|a\"b\"c"});
}

TEST_CASE("line ends are LF, CRLF or CR, and the last may be missing") {
  const list wanted{"1|x", "2|y"};
  CHECK(read_text("a,b\n1,x\n2,y\n").rows == wanted);
  CHECK(read_text("a,b\r\n1,x\r\n2,y\r\n").rows == wanted);
  CHECK(read_text("a,b\r1,x\r2,y\r").rows == wanted);
  CHECK(read_text("a,b\n1,x\n2,y").rows == wanted);
  CHECK(read_text("a,b\r\n1,x\r\n2,y\r").rows == wanted);
  CHECK(read_text("\xEF\xBB\xBF"
                  "a,b\n1,x\n\n\r\n2,y\n\n")
            .rows == wanted);
}

namespace {

/// A file whose quote never closes, cut into splits of every size and read by several readers: always the same error.
void check_unclosed(const std::string& text, request_parts parts, const std::string& place, const std::string& lines) {
  for (std::int64_t split = 1; split <= static_cast<std::int64_t>(text.size()) + 1; ++split)
    for (const int threads : {1, 3}) {
      INFO(text << " split " << split << " threads " << threads);
      parts.split_bytes = split;
      parts.threads = threads;
      const auto got = read_text(text, parts);
      REQUIRE(got.problem == "unclosed_quote");
      REQUIRE(got.message.find(place) != std::string::npos);
      REQUIRE(got.message.find(lines) != std::string::npos);
    }
}

}  // namespace

TEST_CASE("a quote that never closes fails the source, wherever splits are cut, and says what it takes along") {
  const request_parts plain = {.own = options::object(), .types = {{"a", "text"}, {"b", "text"}}};
  check_unclosed("a,b\n1,x\n2,\"y\n3,z\n4,w\n", plain, "t.csv line 3: the quote at the start of field 2 (b)",
                 "2 more lines");
  check_unclosed("a,b\n1,x\n\"2,y\n3,z\n4,w", plain, "t.csv line 3: the quote at the start of field 1 (a)",
                 "2 more lines");
  check_unclosed("a,b\r\n1,\"x\r\ny\"\r\n2,\"y\r\n3,z\r\n", plain, "t.csv line 4", "1 more line (");
  check_unclosed("a,b\n1,x\n2,\"y", plain, "t.csv line 3", "the file ends inside it");
  check_unclosed("a,b\n1,\"x\"\"\n2,y\n", plain, "t.csv line 2", "1 more line (");
  auto set_null = plain;
  set_null.policy = on_error::set_null;
  check_unclosed("a,b\n1,x\n2,\"y\n3,z\n", set_null, "t.csv line 3", "1 more line (");
  auto escapes = plain;
  escapes.own = {{"escape", "\\"}, {"comment", "#"}};
  check_unclosed("a,b\n# it's \"odd\n1,\"x\\\"\n2,y\n", escapes, "t.csv line 3", "1 more line (");
  auto needless = plain;
  needless.columns = {"a"};
  needless.types = {{"a", "text"}};
  check_unclosed("a,b\n1,x\n2,\"y\n3,z\n", needless, "t.csv line 3", "1 more line (");
  auto preamble = plain;
  preamble.own = {{"skip_rows", 1}};
  check_unclosed("sold \"today\na,b\n2,\"y\n3,z\n", preamble, "t.csv line 3", "1 more line (");
}

TEST_CASE("a header whose quote never closes fails the source") {
  const auto got = read_text("a,\"b\n1,2\n3,4\n");
  CHECK(got.problem == "unclosed_quote");
  CHECK(
      got.message.find(
          "line 1: the quote at the start of field 2 of the first record is never closed; it swallows 2 more lines") !=
      std::string::npos);
}

TEST_CASE("a quote that closes by chance far behind fails the source, one near its place makes a reject") {
  const auto text = [](int lines) {
    std::string all = "a,b,c\n1,\"x,y\n";
    for (int i = 0; i < lines; ++i) all += std::to_string(i) + ",\"p, q\",r\n";
    return all;
  };
  const request_parts parts = {.own = options::object(), .types = {{"a", "text"}, {"b", "text"}, {"c", "text"}}};
  CHECK(read_text(text(1), parts).rejected.size() == 1);
  std::string far = "a,b,c\n1,\"x,y\n";
  for (int i = 0; i < 50; ++i) far += std::to_string(i) + ",p,r\n";
  far += "51,\"p\",r\n52,p,r\n";
  for (const std::int64_t split : {7, 100, 10'000}) {
    auto pieces = parts;
    pieces.split_bytes = split;
    const auto got = read_text(far, pieces);
    CHECK(got.problem == "runaway_quote");
    CHECK(got.message.find("t.csv line 2: ") != std::string::npos);
    CHECK(got.message.find("51 lines") != std::string::npos);
  }
  // Many lines of text in a record that does not fit are no records.
  std::string letter = "a,b,c\n1,\"";
  for (int i = 0; i < 50; ++i) letter += "a line of a letter\n";
  CHECK(read_text(letter + "\"\n2,x,y\n", parts).rejected.size() == 1);
}

TEST_CASE("one column makes an empty line a null") { CHECK(read_text("a\n1\n\n2\n").rows == list{"1", "\\N", "2"}); }

TEST_CASE("records with too few or too many fields are rejected as they stood, with their line") {
  const auto got = read_text("a,b\n1,\"x\ny\"\n2\n3,z\r\n4,\"p\",q\r\n5,w\n");
  CHECK(got.rows == list{"1|x\ny", "3|z", "5|w"});
  CHECK(got.rejected == list{"too_few_fields@4: 2", "too_many_fields@6: 4,\"p\",q"});
}

TEST_CASE("a value that is none of a given type is rejected, made null, or fails the run") {
  const std::string text = "a,b\n1,x\nzwei,y\n 3 ,z\n\"4\",w\n";
  request_parts parts{.own = options::object(), .types = {{"a", "bigint"}}};
  auto got = read_text(text, parts);
  CHECK(got.rows == list{"1|x", "3|z", "4|w"});
  CHECK(got.rejected == list{"invalid_value a@3: zwei,y"});
  parts.policy = on_error::set_null;
  got = read_text(text, parts);
  CHECK(got.rows == list{"1|x", "\\N|y", "3|z", "4|w"});
  CHECK(got.set_null == 1);
  parts.policy = on_error::fail;
  got = read_text(text, parts);
  CHECK(got.problem == "invalid_value");
  CHECK(got.message == "t.csv line 3: column a: expected bigint, found 'zwei'");
}

TEST_CASE("a value that contradicts an inferred type fails with the line that mends it") {
  std::string text = "id,amount\n";
  for (int i = 0; i < 200'000; ++i)
    text += std::to_string(i) + "," + (i == 40'000 ? "12.5" : std::to_string(i * 3)) + "\n";
  for (const std::int64_t split_bytes : {8 << 20, 100'000}) {
    const auto got = read_text(text, {.own = options::object(), .split_bytes = split_bytes, .threads = 3});
    CHECK(got.problem == "contradicts_type");
    CHECK(got.message.find("column amount inferred bigint from 20,") == 0);
    CHECK(got.message.find("rows; value '12.5' at line 40,002 of t.csv is decimal: types: { amount: double }") !=
          std::string::npos);
  }
}

TEST_CASE("every type is read in its own forms") {
  const auto type_of = [](const std::string& type, const std::string& value, options more = {}) {
    options described = {{"type", type}};
    for (const auto& [key, value_of_key] : more.items()) described[key] = value_of_key;
    const auto got = read_text("v,w\n" + value + ",1\n", {.own = options::object(), .types = {{"v", described}}});
    if (!got.problem.empty()) return got.problem;
    if (got.rows.empty()) return "rejected: " + got.rejected.at(0);
    return got.rows[0].substr(0, got.rows[0].size() - 2);
  };
  CHECK(type_of("smallint", "32767") == "32767");
  CHECK(type_of("smallint", "32768") == "rejected: invalid_value v@2: 32768,1");
  CHECK(type_of("integer", "-2147483648") == "-2147483648");
  CHECK(type_of("bigint", "+007") == "7");
  CHECK(type_of("bigint", "-9223372036854775808") == "-9223372036854775808");
  CHECK(type_of("bigint", "9223372036854775808") == "rejected: invalid_value v@2: 9223372036854775808,1");
  CHECK(type_of("ubigint", "18446744073709551615") == "18446744073709551615");
  CHECK(type_of("double", "1e-3") == "0.001");
  CHECK(type_of("double", ".5") == "0.5");
  CHECK(type_of("double", "1.7976931348623157e308") == "1.7976931348623157e+308");
  CHECK(type_of("double", "1e999") == "rejected: invalid_value v@2: 1e999,1");
  CHECK(type_of("double", "0.30000000000000004") == "0.30000000000000004");
  CHECK(type_of("double", "1.2.3").substr(0, 8) == "rejected");
  CHECK(type_of("double", ".").substr(0, 8) == "rejected");
  CHECK(type_of("real", "0.1") == "0.1");
  CHECK(type_of("boolean", "Yes") == "true");
  CHECK(type_of("decimal(12,2)", "1234567890.12") == "1234567890.12");
  CHECK(type_of("decimal(12,2)", "-0.5") == "-0.50");
  CHECK(type_of("decimal(12,2)", "0.125").substr(0, 8) == "rejected");
  CHECK(type_of("decimal(12,2)", "0.120") == "0.12");
  CHECK(type_of("decimal(4,2)", "123.4").substr(0, 8) == "rejected");
  CHECK(type_of("decimal(38,4)", "1234567890123456789012345678901234.5678") ==
        "1234567890123456789012345678901234.5678");
  CHECK(type_of("decimal(50,2)", "123456789012345678901234567890123456789012345678.99") ==
        "123456789012345678901234567890123456789012345678.99");
  CHECK(type_of("decimal(12,2)", "\"1.234.567,5\"", {{"decimal", ","}, {"thousands", "."}}) == "1234567.50");
  CHECK(type_of("decimal(12,2)", "\"1.23.567,5\"", {{"decimal", ","}, {"thousands", "."}}).substr(0, 8) == "rejected");
  CHECK(type_of("date", "2024-02-30").substr(0, 8) == "rejected");
  CHECK(type_of("date", "29.02.2024", {{"formats", {"%Y-%m-%d", "%d.%m.%Y"}}}) == "2024-02-29");
  CHECK(type_of("timestamp", "2024-05-01T12:34:56.789") == "2024-05-01 12:34:56.789");
  CHECK(type_of("timestamp", "2024-05-01 12:00:00Z").substr(0, 8) == "rejected");
  CHECK(type_of("timestamp", "May 1 2024 3:04 PM", {{"formats", {"%b %d %Y %I:%M %p"}}}) == "2024-05-01 15:04:00");
  CHECK(type_of("timestamptz", "2024-05-01 12:00:00+02:00") == "2024-05-01 10:00:00+00");
  CHECK(type_of("time", "23:59:59.5") == "23:59:59.5");
  CHECK(type_of("bytea", "\\x00ff") == "\\x00ff");
  CHECK(type_of("text[]", "1") == "not_supported_yet");
}

TEST_CASE("times without offset are those of the run's time zone") {
  const auto got = read_text("t,i\n2024-07-01 12:00:00,1\n2024-01-01 12:00:00,2\n",
                             {.own = options::object(), .types = {{"t", "timestamptz"}}, .timezone = "Europe/Berlin"});
  CHECK(got.rows == list{"2024-07-01 10:00:00+00|1", "2024-01-01 11:00:00+00|2"});
  // What a clock change skips has the offset before it, what comes twice is standard time: as casts have it.
  const auto changes =
      read_text("t,i\n2024-03-31 02:30:00,1\n2024-10-27 02:30:00,2\n",
                {.own = options::object(), .types = {{"t", "timestamptz"}}, .timezone = "Europe/Berlin"});
  CHECK(changes.rows == list{"2024-03-31 01:30:00+00|1", "2024-10-27 01:30:00+00|2"});
}

TEST_CASE("text that is not UTF-8 is rejected, and valid text stays byte for byte") {
  const auto got = read_text(
      "a,b\ngr\xC3\xBC\xC3\x9F,1\n\xFF\xFE"
      "x,2\n  y ,3\n\xC3,4\n\xBC,5\n");
  CHECK(got.rows == list{"gr\xC3\xBC\xC3\x9F|1", "  y |3"});
  REQUIRE(got.rejected.size() == 3);
  CHECK(got.rejected[0] ==
        "invalid_utf8 a@3: \xFF\xFE"
        "x,2");
}

TEST_CASE("what follows a closing quote is rejected") {
  const auto got = read_text("a,b\n\"x\"y,1\nz,2\n");
  CHECK(got.rows == list{"z|2"});
  CHECK(got.rejected == list{"invalid_quotes a@2: \"x\"y,1"});
}

TEST_CASE("separators, quotes, escapes, comments, preambles and null tokens are as the options say") {
  const auto tabs = read_text("a\tb\n'x\ty'\t1\n", {.own = {{"separator", "\\t"}, {"quote", "'"}}});
  CHECK(tabs.rows == list{"x\ty|1"});
  const auto escaped = read_text("a,b\n\"x\\\"y\",1\\,2\n", {.own = {{"escape", "\\"}}});
  CHECK(escaped.rows == list{"x\"y|1,2"});
  const auto comments = read_text("# it's \"odd\n# two\na,b\n#3,4\n5,6\n", {.own = {{"comment", "#"}}});
  CHECK(comments.rows == list{"5|6"});
  const auto preamble = read_text("Report \"x\nof today\na,b\n1,2\n", {.own = {{"skip_rows", 2}}});
  CHECK(preamble.rows == list{"1|2"});
  const auto nulls = read_text("a,b\nNA,NA\n1,\n2,\"NA\"\n\"NA\",x\n", {.own = {{"null_values", {"NA"}}}});
  CHECK(nulls.schema == "a bigint, b text");
  CHECK(nulls.rows == list{"\\N|\\N", "1|", "2|NA", "\\N|x"});
  const auto minus = read_text("a,b\n-1,x\n7,y\n", {.own = {{"null_values", {"-1"}}}});
  CHECK(minus.rows == list{"\\N|x", "7|y"});
  const auto unquoted = read_text("a,b\n\"x,1\n", {.own = {{"quote", ""}}});
  CHECK(unquoted.rows == list{"\"x|1"});
}

TEST_CASE("a separator may have several bytes, wherever blocks and splits are cut") {
  const std::string text =
      "a, b, c\n1, \"x, \"\"y\"\"\n, z\", 2.5\n,, p,q, 3.5\n4, , \r\n5, r,, 0.5\n6, \"\", 7\n8, s\n9, t, 1.5";
  const list rows = {"1|x, \"y\"\n, z|2.5", ",|p,q|3.5", "4|\\N|\\N", "5|r,|0.5", "6||7", "9|t|1.5"};
  for (std::int64_t split = 1; split < 60; ++split) {
    INFO(split);
    const auto got = read_text(text, {.own = {{"separator", ", "}}, .split_bytes = split, .threads = 2});
    CHECK(got.schema == "a text, b text, c double");
    CHECK(got.rows == rows);
    CHECK(got.rejected == list{"too_few_fields@8: 8, s"});
  }
  CHECK(read_text("a\xC2\xA7"
                  "b\n1\xC2\xA7x\xC2\n",
                  {.own = {{"separator", "\xC2\xA7"}}})
            .rejected.size() == 1);
  CHECK(read_text("a b\n1 x\n2 \"y z\"\n", {.own = {{"separator", " "}}}).rows == list{"1|x", "2|y z"});
  const auto unclosed = read_text("a, b\n1, \"x\n2, y\n", {.own = {{"separator", ", "}}});
  CHECK(unclosed.problem == "unclosed_quote");
  CHECK(unclosed.message.find("line 2: the quote at the start of field 2 (b)") != std::string::npos);
}

TEST_CASE("strict quotes reject a quote inside a field that does not begin with one") {
  const std::string text = "a,b,c,d\n1,$7.80\"Table, Round\",u1\n2,\"x\"\"y\",z,\n3,5\" pipe,z,w\n";
  CHECK(read_text(text).rows.size() == 3);
  const auto got = read_text(text, {.own = {{"quotes", "strict"}}});
  CHECK(got.rows == list{"2|x\"y|z|\\N"});
  CHECK(got.rejected == list{"invalid_quotes@2: 1,$7.80\"Table, Round\",u1", "invalid_quotes@4: 3,5\" pipe,z,w"});
  CHECK(read_text(text, {.own = {{"quotes", "strict"}, {"quote", ""}}}).path == "/csv/quotes");
}

TEST_CASE("all_text infers nothing, and given types still count") {
  const auto got = read_text("a,b\n1,2\n", {.own = {{"all_text", true}}, .types = {{"b", "integer"}}});
  CHECK(got.schema == "a text, b integer");
}

TEST_CASE("without null values an empty field is text") {
  CHECK(read_text("a,b\n1,x\n,y\n", {.own = {{"null_values", options::array()}}}).rows == list{"1|x", "|y"});
  CHECK(read_text("a,b\n1,x\n\"\",y\n", {.own = {{"null_values", {"NA"}}}}).rows == list{"1|x", "|y"});
}

TEST_CASE("headers may be missing, given, empty or double") {
  CHECK(read_text("1,x\n2,y\n", {.own = {{"header", false}}}).schema == "column_1 bigint, column_2 text");
  CHECK(read_text("1,x\n2,y\n", {.own = {{"header", {"id", "name"}}}}).rows == list{"1|x", "2|y"});
  CHECK(read_text("a,,a,\"b c\", d \n1,2,3,4,5\n").schema ==
        "a bigint, column_2 bigint, a_2 bigint, \"b c\" bigint, d bigint");
}

TEST_CASE("an empty file is an error, a header alone gives no rows") {
  CHECK(read_text("").problem == "empty_file");
  const test_folder in;
  in.write("1.csv", "");
  in.write("2.csv", "a,b\n1,x\n");
  in.write("3.csv", "\xEF\xBB\xBF");
  CHECK(read_all(in, {.own = {{"path", "*.csv"}}}).rows == list{"1|x"});
  CHECK(read_text("\n\n").problem == "empty_file");
  const auto got = read_text("a,b\n", {.own = options::object(), .types = {{"b", "date"}}});
  CHECK(got.schema == "a text, b date");
  CHECK(got.rows.empty());
  CHECK(read_text("a,b").rows.empty());
}

TEST_CASE("only the columns that are named or needed are there") {
  const std::string text = "a,b,c\n1,x,2.5\n2,y,oops\n";
  const auto named = read_text(
      text, {.own = options::object(), .columns = {"b", "a"}, .metadata = {{"_file", "path"}, {"_row", "row"}}});
  CHECK(named.rows == list{"x|1|t.csv|1", "y|2|t.csv|2"});
  const auto needed = read_text(text, {.own = options::object(), .types = {{"c", "double"}}, .needed = {"a", "c"}});
  CHECK(needed.rows == list{"1|2.5"});
  CHECK(needed.rejected == list{"invalid_value c@3: 2,y,oops"});
  const auto unknown = read_text(text, {.own = options::object(), .columns = {"bb"}});
  CHECK(unknown.problem == "unknown_column");
  CHECK(unknown.path == "/columns/0");
  CHECK(read_text(text, {.own = options::object(), .types = {{"ccc", "double"}}}).problem == "unknown_column");
  CHECK(read_text(text, {.own = {{"encoding", "klingon"}}}).problem == "unknown_encoding");
  CHECK(read_text(text, {.own = {{"separator", ""}}}).path == "/csv/separator");
  CHECK(read_text(text, {.own = {{"separator", "\n"}}}).path == "/csv/separator");
  CHECK(read_text(text, {.own = {{"separator", ",\""}}}).path == "/csv/quote");
}

TEST_CASE("files of one source have the same columns, in any order") {
  const test_folder in;
  in.write("1.csv", "a,b\n1,x\n");
  in.write("2.csv", "b,a\ny,2\n");
  CHECK(read_all(in, {.own = {{"path", "*.csv"}}}).rows == list{"1|x", "2|y"});
  in.write("3.csv", "a,c\n3,z\n");
  const auto got = read_all(in, {.own = {{"path", "*.csv"}}});
  CHECK(got.problem == "different_columns");
  CHECK(got.message ==
        "the file 3.csv has other columns than the source's first file: it does not have b, and it also has c");
  CHECK(read_all(in, {.own = {{"path", "*.csv"}}, .columns = {"a"}}).rows == list{"1", "2", "3"});
  CHECK(read_all(in, {.own = {{"path", "no*.csv"}}}).problem == "file_not_found");
}

TEST_CASE("a record larger than every buffer is read whole") {
  const auto large = std::string(5'000'000, 'x') + "\n" + std::string(1'000'000, 'y');
  const auto got =
      read_text("a,b\n1,\"" + large + "\"\n2,z\n", {.own = options::object(), .split_bytes = 100'000, .threads = 2});
  REQUIRE(got.rows.size() == 2);
  CHECK(got.rows[0] == "1|" + large);
}
