#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/values/types.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

class fixture {
 public:
  fixture() : context(make_context(folder.path().string())) {}

  sink_request to(const std::string& path, const std::shared_ptr<arrow::RecordBatch>& like,
                  const std::string& mode = "replace") {
    sink_request made;
    made.unit = "out";
    made.schema = like->schema();
    made.own = {{"path", path}};
    made.mode = mode;
    made.context = &context;
    return made;
  }
  source_request from(const std::string& path, const arrow::Schema& like) {
    source_request made;
    made.unit = "in";
    made.own = {{"path", path}};
    made.context = &context;
    made.types = options::object();
    for (const auto& field : like.fields()) made.types[field->name()] = type_name(*field->type());
    return made;
  }

  temporary_folder folder;
  run_context context;
};

const component& ndjson_to() { return *find_component(component_kind::sink, "ndjson"); }
const component& ndjson_from() { return *find_component(component_kind::source, "ndjson"); }

}  // namespace

TEST_CASE_METHOD(fixture, "every type is written as JSON says it") {
  const auto table = every_type();
  REQUIRE(write_all(ndjson_to(), to("t.ndjson", table), {table}).ok());
  const auto text = folder.read("t.ndjson");
  CHECK(
      text.substr(0, text.find('\n')) ==
      R"({"boolean_":true,"smallint_":-32768,"integer_":-2147483648,"bigint_":-9223372036854775808,"ubigint_":0,)"
      R"("real_":0.1,"double_":0.1,"decimal_":-1234567890.12,"wide_":12345678901234567890123456789012345678901234567.891,)"
      R"("text_":"grüß \"q\" \\ \n\u0001","bytea_":"\\x61620063","date_":"0001-01-01","time_":"00:00:00",)"
      R"("timestamp_":"1969-12-31T23:59:59.999999","timestamptz_":"1969-12-31T23:59:59.999999Z","list_":[1,null,3],)"
      R"("texts_":["a",""],"struct_":{"a":1,"b":"x"},"deep_":[{"l":[1],"s":{"d":1.50}}]})");
}

TEST_CASE_METHOD(fixture, "every type and value survives a JSON file, packed or not, also of sliced batches") {
  const auto table = every_type();
  const auto expected = arrow::Table::FromRecordBatches({table, table->Slice(2, 1), table->Slice(1, 2)})
                            .ValueOrDie()
                            ->CombineChunks()
                            .ValueOrDie();
  for (const auto* name : {"t.ndjson", "t.ndjson.gz", "t.ndjson.zst", "t.ndjson.lz4", "t.ndjson.bz2"}) {
    CAPTURE(name);
    const auto report =
        write_all(ndjson_to(), to(name, table), {table, table->Slice(0, 0), table->Slice(2, 1), table->Slice(1, 2)});
    REQUIRE(report.ok());
    CHECK(report->loaded == 6);
    const auto back = must_read(ndjson_from(), from(name, *table->schema()));
    CHECK(back.rejected.empty());
    CHECK(back.table->Equals(*expected));
  }
}

TEST_CASE_METHOD(fixture, "NaN and infinities follow on_error, because JSON has none") {
  const auto table = make_table(
      {{"id", "bigint", "[1, 2, 3]"}, {"d", "double", "[1.5, NaN, Inf]"}, {"l", "double[]", "[[1], [], []]"}});
  auto what = to("t.ndjson", table);
  const auto failed = write_all(ndjson_to(), what, {table});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.problem().code == "not_representable");
  CHECK(failed.problem().message == "column d: JSON has no representation of NaN, in row 2");
  CHECK(folder.names().empty());
  what.policy = on_error::set_null;
  const auto report = write_all(ndjson_to(), what, {table, table->Slice(1, 1)});
  REQUIRE(report.ok());
  CHECK(report->loaded == 4);
  CHECK(report->set_null == 3);
  CHECK(folder.read("t.ndjson") ==
        "{\"id\":1,\"d\":1.5,\"l\":[1]}\n{\"id\":2,\"d\":null,\"l\":[]}\n{\"id\":3,\"d\":null,\"l\":[]}\n"
        "{\"id\":2,\"d\":null,\"l\":[]}\n");
  what.policy = on_error::reject;
  diagnostics faults;
  const auto sink = ndjson_to().make_sink(what, faults);
  row_errors refused;
  REQUIRE(sink->open(1).ok());
  REQUIRE(sink->write(as_batch(table), refused).ok());
  const auto prepared = sink->prepare(1);
  CHECK(prepared->report.loaded == 1);
  REQUIRE(sink->commit(prepared->token).ok());
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].row == 1);
  CHECK(refused[0].column == "d");
  CHECK(folder.read("t.ndjson") == "{\"id\":1,\"d\":1.5,\"l\":[1]}\n");
}

TEST_CASE_METHOD(fixture, "appended records begin a line of their own") {
  const auto table = make_table({{"id", "bigint", "[2]"}});
  (void)folder.write("t.ndjson", "{\"id\":1}");
  REQUIRE(write_all(ndjson_to(), to("t.ndjson", table, "append"), {table}).ok());
  CHECK(folder.read("t.ndjson") == "{\"id\":1}\n{\"id\":2}\n");
  REQUIRE(write_all(ndjson_to(), to("t.ndjson", table, "append"), {table}).ok());
  CHECK(folder.read("t.ndjson") == "{\"id\":1}\n{\"id\":2}\n{\"id\":2}\n");
}

TEST_CASE_METHOD(fixture, "many rows are written whole, longer than a block and with every control character") {
  std::string controls;
  for (char c = 1; c < 0x20; ++c) controls += c;
  arrow::StringBuilder texts;
  for (int i = 0; i < 40'000; ++i)
    (void)texts.Append(controls.substr(0, static_cast<std::size_t>(i % 32)) +
                       std::string(static_cast<std::size_t>(i % 90), 'x') + (i % 7 == 0 ? "\"\\" : ""));
  const auto table = arrow::RecordBatch::Make(arrow::schema({arrow::field("t", arrow::utf8())}), 40'000,
                                              {texts.Finish().ValueOrDie()});
  REQUIRE(write_all(ndjson_to(), to("t.ndjson", table), {table}).ok());
  const auto back = must_read(ndjson_from(), from("t.ndjson", *table->schema()));
  CHECK(back.table->Equals(*arrow::Table::FromRecordBatches({table}).ValueOrDie()));
}

TEST_CASE_METHOD(fixture, "options of a JSON file that make no sense are refused at their place") {
  const auto table = make_table({{"id", "bigint", "[2]"}});
  auto what = to("", table);
  what.own["compression"] = "rar";
  what.key = {"id"};
  std::vector<std::string> paths;
  for (const auto& fault : faults_of(ndjson_to(), what)) paths.push_back(fault.path);
  CHECK(paths == std::vector<std::string>{"/ndjson/path", "/key", "/ndjson/compression"});
}
