#include "engine/files/files.hpp"
#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

using namespace sluice;
using namespace sluice::test;

namespace {

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

sink_request request_for(const run_context& context, const std::shared_ptr<arrow::RecordBatch>& table, options own) {
  sink_request request;
  request.unit = "out";
  request.schema = table->schema();
  request.own = std::move(own);
  request.mode = "replace";
  request.context = &context;
  return request;
}

const component& csv_sink_component() { return *find_component(component_kind::sink, "csv"); }

std::string written(const std::shared_ptr<arrow::RecordBatch>& table, options own = options::object()) {
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  own["path"] = "t.csv";
  const auto report = write_all(csv_sink_component(), request_for(context, table, own), {table});
  if (!report.ok()) return report.problem().code;
  CHECK(report->loaded == static_cast<std::uint64_t>(table->num_rows()));
  const auto text = content(folder.file("t.csv"));
  CHECK(report->bytes == text.size());
  return text;
}

}  // namespace

TEST_CASE("values are quoted where they must be, and empty text is not null") {
  const auto table =
      make_table({{"a b", "text", R"(["x,y", "say \"hi\"", "two\nlines", "", null, "plain", " blank "])"},
                  {"n", "bigint", "[1, -2, null, 0, 9223372036854775807, 5, 6]"}});
  CHECK(written(table) ==
        "a b,n\n\"x,y\",1\n\"say \"\"hi\"\"\",-2\n\"two\nlines\",\n\"\",0\n,9223372036854775807\nplain,5\n blank ,6\n");
  CHECK(written(table->Slice(5), {{"separator", ";"}, {"quoting", "always"}, {"line_end", "crlf"}}) ==
        "\"a b\";\"n\"\r\n\"plain\";\"5\"\r\n\" blank \";\"6\"\r\n");
  CHECK(written(table->Slice(3, 2), {{"header", false}, {"null_value", "NULL"}}) ==
        "\"\",0\nNULL,9223372036854775807\n");
}

TEST_CASE("names with blanks around them are quoted, for readers take those for typing") {
  const auto table = make_table({{" a ", "bigint", "[1]"}, {"b c", "bigint", "[2]"}, {"\t", "bigint", "[3]"}});
  CHECK(written(table) == "\" a \",b c,\"\t\"\n1,2,3\n");
}

TEST_CASE("a text that looks like the null value is quoted, and no value may look like it") {
  const auto table = make_table({{"a", "text", R"(["NA", null])"}});
  CHECK(written(table, {{"null_value", "NA"}}) == "a\n\"NA\"\nNA\n");
  for (const auto* value : {"0", "true", "NaN", "2024-01-01"})
    CHECK(
        faults_of(csv_sink_component(), request_for(make_context(), table, {{"path", "t.csv"}, {"null_value", value}}))
            .at(0)
            .path == "/csv/null_value");
}

TEST_CASE("doubles are the shortest text that reads back as the same value") {
  const auto table = make_table(
      {{"x", "double",
        "[0.1, 21168.23, -0.0001, 100000, 0.30000000000000004, 1e300, 123456.7891, 1e-5, -7, 1e15, 0.00005]"}});
  CHECK(written(table) ==
        "x\n0.1\n21168.23\n-0.0001\n100000\n0.30000000000000004\n1e+300\n123456.7891\n1e-05\n-7\n1e+15\n5e-05\n");
}

TEST_CASE("all types come back from the file as they went in") {
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  const auto table = make_table({{"b", "boolean", "[true, false, null]"},
                                 {"s", "smallint", "[-32768, 32767, null]"},
                                 {"u", "ubigint", "[18446744073709551615, 0, null]"},
                                 {"d", "double", "[1e-300, -0.5, null]"},
                                 {"m", "decimal(12,2)", R"(["1234567890.12", "-0.05", null])"},
                                 {"t", "text", R"(["a\r\nb", "", null])"},
                                 {"n", "integer", "[1, 2, 3]"}});
  for (const auto* name : {"t.csv", "t.csv.gz", "t.csv.zst", "t.csv.lz4", "t.csv.bz2"}) {
    const auto report = write_all(csv_sink_component(), request_for(context, table, {{"path", name}}), {table, table});
    REQUIRE(report.ok());
    source_request back;
    back.unit = "in";
    back.own = {{"path", name}};
    back.types = {{"b", "boolean"},       {"s", "smallint"}, {"u", "ubigint"}, {"d", "double"},
                  {"m", "decimal(12,2)"}, {"t", "text"},     {"n", "integer"}};
    back.context = &context;
    const auto got = must_read(*find_component(component_kind::source, "csv"), back);
    CHECK(got.rejected.empty());
    const auto wanted = arrow::Table::FromRecordBatches({table, table}).ValueOrDie();
    INFO(got.table->ToString());
    CHECK(got.table->Equals(*wanted));
  }
}

TEST_CASE("append goes on without a second header, on a line of its own") {
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  const auto table = make_table({{"a", "bigint", "[1, 2]"}});
  std::ofstream(folder.file("t.csv")) << "a\n0";
  auto request = request_for(context, table, {{"path", "t.csv"}});
  request.mode = "append";
  REQUIRE(write_all(csv_sink_component(), request, {table}).ok());
  CHECK(content(folder.file("t.csv")) == "a\n0\n1\n2\n");
  request.mode = "error";
  CHECK(write_all(csv_sink_component(), request, {table}).problem().code == "target_exists");
}

TEST_CASE("no rows give a file with a header, and an aborted load no file at all") {
  const auto table = make_table({{"a", "bigint", "[1]"}, {"b", "text", "[\"x\"]"}});
  CHECK(written(table->Slice(0, 0)) == "a,b\n");
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  diagnostics faults;
  const auto target = csv_sink_component().make_sink(request_for(context, table, {{"path", "sub/t.csv"}}), faults);
  REQUIRE(target);
  REQUIRE(target->open(1).ok());
  row_errors refused;
  REQUIRE(target->write(as_batch(table), refused).ok());
  target->abort();
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a full disk is disk_full and leaves no file") {
  const auto context = make_context("/");
  const auto table = make_table({{"a", "bigint", "[1]"}});
  CHECK(write_all(csv_sink_component(), request_for(context, table, {{"path", "/dev/full"}}), {table}).problem().code ==
        "disk_full");
}
