// Parquet and Arrow IPC: what one writes the other side reads.
#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>
#include <sys/mount.h>

#include <catch2/catch.hpp>

#include <cmath>

using namespace sluice;
using namespace sluice::test;

namespace {

class fixture {
 public:
  fixture() : context(make_context(folder.path().string())) {}

  sink_request to(const std::string& path, const std::shared_ptr<arrow::RecordBatch>& like,
                  options own = options::object()) {
    sink_request made;
    made.unit = "out";
    made.schema = like->schema();
    made.own = std::move(own);
    made.own["path"] = path;
    made.mode = "replace";
    made.context = &context;
    return made;
  }
  source_request from(const std::string& path) {
    source_request made;
    made.unit = "in";
    made.own = {{"path", path}};
    made.context = &context;
    return made;
  }

  temporary_folder folder;
  run_context context;
};

const component& source_named(const std::string& name) { return *find_component(component_kind::source, name); }
const component& sink_named(const std::string& name) { return *find_component(component_kind::sink, name); }

std::shared_ptr<arrow::RecordBatch> numbers(std::int64_t count) {
  arrow::Int64Builder ids;
  arrow::DoubleBuilder halves;
  for (std::int64_t i = 0; i < count; ++i) {
    (void)ids.Append(i);
    (void)halves.Append(static_cast<double>(i) / 2);
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("half", arrow::float64())}), count,
      {ids.Finish().ValueOrDie(), halves.Finish().ValueOrDie()});
}

std::shared_ptr<arrow::Table> as_table(const std::shared_ptr<arrow::RecordBatch>& rows) {
  return arrow::Table::FromRecordBatches({rows}).ValueOrDie();
}

}  // namespace

TEST_CASE_METHOD(fixture, "every type and value survives a Parquet file, whatever its compression") {
  const auto table = every_type();
  for (const auto* compression : {"none", "snappy", "zstd", "gzip", "lz4"}) {
    CAPTURE(compression);
    const auto report = write_all(sink_named("parquet"), to("a/t.parquet", table, {{"compression", compression}}),
                                  {table, table->Slice(0, 0)});
    REQUIRE(report.ok());
    CHECK(report->loaded == 3);
    CHECK(report->bytes == std::filesystem::file_size(folder.file("a/t.parquet")));
    const auto back = must_read(source_named("parquet"), from("a/t.parquet"));
    CHECK(back.table->schema()->Equals(table->schema()));
    CHECK(back.table->Equals(*as_table(table)));
  }
}

TEST_CASE_METHOD(fixture, "every type and value survives an Arrow file and stream") {
  const auto table = every_type();
  for (const auto* path : {"t.arrow", "t.arrows"}) {
    for (const auto* compression : {"none", "lz4", "zstd"}) {
      CAPTURE(path, compression);
      REQUIRE(write_all(sink_named("ipc"), to(path, table, {{"compression", compression}}),
                        {table, table->Slice(1, 2), table->Slice(0, 0)})
                  .ok());
      const auto back = must_read(source_named("ipc"), from(path));
      CHECK(back.table->Equals(
          *arrow::Table::FromRecordBatches({table, table->Slice(1, 2)}).ValueOrDie()->CombineChunks().ValueOrDie()));
    }
  }
  CHECK(folder.read("t.arrow").substr(0, 6) == "ARROW1");
  CHECK(folder.read("t.arrows").substr(0, 6) != "ARROW1");
}

TEST_CASE_METHOD(fixture, "NaN and infinities survive both formats") {
  const auto table = make_table({{"d", "double", "[NaN, Inf, -Inf, -0.0]"}});
  for (const auto* name : {"parquet", "ipc"}) {
    REQUIRE(write_all(sink_named(name), to("t." + std::string(name), table), {table}).ok());
    const auto back = must_read(source_named(name), from("t." + std::string(name)));
    const auto& values = static_cast<const arrow::DoubleArray&>(*back.table->column(0)->chunk(0));
    CHECK(std::isnan(values.Value(0)));
    CHECK(values.Value(2) == -std::numeric_limits<double>::infinity());
    CHECK(std::signbit(values.Value(3)));
  }
}

TEST_CASE_METHOD(fixture, "a file of no rows has its columns") {
  const auto table = every_type();
  for (const auto* name : {"parquet", "ipc"}) {
    const auto path = "t." + std::string(name);
    REQUIRE(write_all(sink_named(name), to(path, table), {}).ok());
    const auto back = must_read(source_named(name), from(path));
    CHECK(back.table->num_rows() == 0);
    CHECK(back.table->schema()->Equals(table->schema()));
  }
}

TEST_CASE_METHOD(fixture, "row groups are splits, neighbouring small ones together") {
  const auto table = numbers(350'000);
  REQUIRE(write_all(sink_named("parquet"), to("t.parquet", table, {{"row_group_rows", 100'000}}), {table}).ok());
  auto what = from("t.parquet");
  what.split_bytes = 1;
  const auto each = must_read(source_named("parquet"), what);
  CHECK(each.splits == 4);
  CHECK(each.table->Equals(*as_table(table)));
  const auto last = each.positions.back();
  CHECK(last.split == 3);
  CHECK(last.offset == 49'999);
  what.split_bytes = std::int64_t{1} << 40;
  CHECK(must_read(source_named("parquet"), what).splits == 1);
  diagnostics faults;
  what.split_bytes = 1;
  const auto made = source_named("parquet").make_source(what, faults);
  const auto splits = made->discover();
  CHECK(made->line_of(splits->at(2), 5) == 200'006);
}

TEST_CASE_METHOD(fixture, "row groups whose statistics say that a filter keeps none of their rows are not read") {
  const auto table = make_table({{"id", "bigint", "[5, 1, 3, 12, 11, 19, null, null, null, 21, 22, 29]"},
                                 {"name", "text", R"(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"])"}});
  {
    const auto file = arrow::io::FileOutputStream::Open(folder.file("t.parquet")).ValueOrDie();
    REQUIRE(parquet::arrow::WriteTable(*as_table(table), arrow::default_memory_pool(), file, 3).ok());
  }
  const auto read = [&](const std::string& filter) {
    auto got = read_all(source_named("parquet"), from("t.parquet"), filter);
    REQUIRE(got.ok());
    CHECK(got->records == 12);
    std::string names;
    for (std::int64_t row = 0; row < got->table->num_rows(); ++row) {
      names += static_cast<const arrow::StringArray&>(*got->table->column(1)->chunk(0)).GetString(row);
      // Positions count the rows that were left out.
      CHECK(got->positions[static_cast<std::size_t>(row)].offset == names.back() - 'a');
    }
    return names;
  };
  CHECK(read("") == "abcdefghijkl");
  CHECK(read("id > 20") == "jkl");
  CHECK(read("id <= 11") == "abce");
  CHECK(read("id between 4 and 12 and name <> 'd'") == "ae");
  CHECK(read("12 <= id and id < 20") == "df");
  CHECK(read("id = 22 or name = 'g'") == "gk");
  CHECK(read("name >= 'k'") == "kl");
  CHECK(read("id > 100") == "");
  CHECK(read("100 / (id - 21) > 20 and id > 20") == "jk");  // j: division by zero, told by the filter
  // Bytes that can't be read show what was read: the pages of the first row group are spoilt.
  const auto footer = parquet::ParquetFileReader::OpenFile(folder.file("t.parquet"))->metadata();
  const auto begin = footer->RowGroup(0)->ColumnChunk(0)->data_page_offset();
  auto text = folder.read("t.parquet");
  text.replace(static_cast<std::size_t>(begin), 12, 12, '\xff');
  (void)folder.write("t.parquet", text);
  CHECK(read("id >= 12 and id < 25") == "dfjk");
  CHECK_FALSE(read_all(source_named("parquet"), from("t.parquet"), "id >= 5").ok());
}

TEST_CASE_METHOD(fixture, "wide rows end a row group early, but not below 100,000 rows") {
  const auto row = make_table({{"t", "text", "[\"" + std::string(1500, 'x') + "\"]"}});
  std::vector<std::shared_ptr<arrow::RecordBatch>> all;
  const auto block =
      arrow::Table::FromRecordBatches(std::vector(25'000, row)).ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  REQUIRE(write_all(sink_named("parquet"), to("t.parquet", block), std::vector(10, block)).ok());
  const auto footer = parquet::ParquetFileReader::OpenFile(folder.file("t.parquet"))->metadata();
  REQUIRE(footer->num_row_groups() == 3);
  CHECK(footer->RowGroup(0)->num_rows() == 100'000);
  CHECK(footer->created_by().find("sluice version") == 0);
  CHECK(must_read(source_named("parquet"), from("t.parquet")).table->num_rows() == 250'000);
}

TEST_CASE_METHOD(fixture, "only wanted columns are read, in the order asked for, and metadata are added") {
  const auto table = numbers(10);
  for (const auto* name : {"parquet", "ipc"}) {
    const auto path = "t." + std::string(name);
    REQUIRE(write_all(sink_named(name), to(path, table), {table}).ok());
    auto what = from(path);
    what.columns = {"half", "id"};
    what.metadata = {{"_file", "path"}};
    const auto all = must_read(source_named(name), what);
    CHECK(all.table->schema()->field_names() == std::vector<std::string>{"half", "id", "_file"});
    CHECK(all.table->column(2)->GetScalar(3).ValueOrDie()->ToString() == path);
    what.resolved = all.table->schema();
    what.needed = {"_file"};
    const auto some = must_read(source_named(name), what);
    CHECK(some.table->num_columns() == 1);
    CHECK(some.table->num_rows() == 10);
    what.needed = {"id"};
    CHECK(must_read(source_named(name), what).table->column(0)->Equals(*all.table->GetColumnByName("id")));
  }
}

TEST_CASE_METHOD(fixture, "several files are one source if their columns fit") {
  const auto table = numbers(10);
  for (const auto* name : {"parquet", "ipc"}) {
    const auto folder_name = std::string(name) + "s/";
    REQUIRE(write_all(sink_named(name), to(folder_name + "a." + name, table), {table}).ok());
    REQUIRE(write_all(sink_named(name), to(folder_name + "b." + name, table), {table}).ok());
    CHECK(must_read(source_named(name), from(folder_name)).table->num_rows() == 20);
    const auto other = make_table({{"id", "text", R"(["x"])"}, {"half", "double", "[1]"}});
    REQUIRE(write_all(sink_named(name), to(folder_name + "c." + name, other), {other}).ok());
    const auto faults = faults_of(source_named(name), from(folder_name));
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].code == "type_mismatch");
    CHECK(faults[0].message.find("id is bigint in the first file and text in") != std::string::npos);
  }
}

TEST_CASE_METHOD(fixture, "foreign types become the language's, and a value that does not fit is an error") {
  const auto write = [&](const std::shared_ptr<arrow::Array>& values, const std::string& path) {
    const auto table = arrow::Table::Make(arrow::schema({arrow::field("v", values->type())}), {values});
    auto file = arrow::io::FileOutputStream::Open(folder.file(path)).ValueOrDie();
    auto writer = arrow::ipc::MakeFileWriter(file, table->schema()).ValueOrDie();
    REQUIRE(writer->WriteTable(*table).ok());
    REQUIRE(writer->Close().ok());
    REQUIRE(file->Close().ok());
  };
  arrow::StringDictionaryBuilder words;
  (void)words.Append("a");
  (void)words.Append("b");
  (void)words.Append("a");
  write(words.Finish().ValueOrDie(), "words.arrow");
  CHECK(must_read(source_named("ipc"), from("words.arrow")).table->schema()->field(0)->type()->Equals(arrow::utf8()));
  arrow::UInt8Builder small;
  (void)small.Append(255);
  write(small.Finish().ValueOrDie(), "small.arrow");
  CHECK(must_read(source_named("ipc"), from("small.arrow")).table->schema()->field(0)->type()->Equals(arrow::int16()));
  arrow::TimestampBuilder nano(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool());
  (void)nano.Append(1);
  write(nano.Finish().ValueOrDie(), "nano.arrow");
  const auto lost = read_all(source_named("ipc"), from("nano.arrow"));
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.problem().code == "value_out_of_range");
  arrow::DurationBuilder duration(arrow::duration(arrow::TimeUnit::SECOND), arrow::default_memory_pool());
  (void)duration.Append(1);
  write(duration.Finish().ValueOrDie(), "duration.arrow");
  const auto interval = must_read(source_named("ipc"), from("duration.arrow")).table->schema()->field(0)->type();
  CHECK(interval->Equals(arrow::month_day_nano_interval()));
}

TEST_CASE_METHOD(fixture, "a file that is cut off or damaged says which and what to check") {
  const auto table = numbers(100'000);
  for (const auto* name : {"parquet", "ipc"}) {
    const auto path = "t." + std::string(name);
    REQUIRE(write_all(sink_named(name), to(path, table), {table}).ok());
    const auto whole = folder.read(path);
    (void)folder.write(path, whole.substr(0, whole.size() / 2));
    CHECK(faults_of(source_named(name), from(path)).at(0).code == "corrupt_file");
    (void)folder.write(path, "");
    CHECK(faults_of(source_named(name), from(path)).at(0).code == "corrupt_file");
    // Any damage gives rows or a clear error, never a crash.
    for (std::size_t at = 0; at < whole.size(); at += whole.size() / 97 + 1) {
      auto damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      (void)folder.write(path, damaged);
      const auto read = read_all(source_named(name), from(path));
      if (!read.ok()) CHECK(read.problem().message.find(path) != std::string::npos);
    }
  }
}

TEST_CASE_METHOD(fixture, "an abort of a columnar file leaves nothing, nor does a full disk") {
  const auto table = numbers(1000);
  for (const auto* name : {"parquet", "ipc"}) {
    diagnostics faults;
    const auto sink = sink_named(name).make_sink(to("new/t", table), faults);
    row_errors refused;
    REQUIRE(sink->open(1).ok());
    REQUIRE(sink->write(as_batch(table), refused).ok());
    sink->abort();
    CHECK(folder.names().empty());
  }
  const temporary_folder small;
  if (::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=64k") != 0) return;
  for (const auto* name : {"parquet", "ipc"}) {
    const auto many = numbers(200'000);
    const auto report = write_all(sink_named(name), to(small.file("t"), many), {many});
    REQUIRE_FALSE(report.ok());
    CHECK(report.problem().code == "disk_full");
    CHECK(small.names().empty());
  }
  ::umount(small.path().c_str());
}

TEST_CASE_METHOD(fixture, "options that columnar files do not know are refused at their place") {
  const auto table = numbers(1);
  const auto fault = [&](const component& of, options own) {
    const auto faults = faults_of(of, to("t", table, std::move(own)));
    return faults.size() == 1 ? faults[0].code + " " + faults[0].path : std::to_string(faults.size());
  };
  CHECK(fault(sink_named("parquet"), {{"compression", "rar"}}) == "unknown_compression /parquet/compression");
  CHECK(fault(sink_named("parquet"), {{"row_group_rows", 10}}) == "invalid_option /parquet/row_group_rows");
  CHECK(fault(sink_named("parquet"), {{"partition_by", options::array({"idd"})}}) ==
        "unknown_column /parquet/partition_by/0");
  CHECK(fault(sink_named("ipc"), {{"compression", "snappy"}}) == "unknown_compression /ipc/compression");
  CHECK(fault(sink_named("ipc"), {}) == "0");
}
