#include "engine/values/positions.hpp"
#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/clients/sqlite/connection.hpp"
#include "engine/component/connection_field.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/files/files.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <set>

using namespace sluice;
using namespace sluice::test;

/// What every source promises, for each one in the list: a split that is opened at the position of any step gives, bit
/// by bit, what came behind that step.

namespace {

struct reading {
  std::string source;
  std::string what;  ///< for messages
  options own;
  options metadata = {};
  std::int64_t split_bytes = std::int64_t{1} << 40;
  std::string filter = {};
  on_error policy = on_error::reject;
  options types = {};
};

/// 90,000 records: some have an odd value, some a line end within quotes, some are none of the columns.
std::string csv_text(bool bad) {
  std::string text = "id,name,amount\n";
  for (int id = 1; id <= 90'000; ++id) {
    text += std::to_string(id) + (id % 1000 == 7 ? ",\"a \"\"b\"\"\nc\"," : ",name of " + std::to_string(id) + ",");
    text += bad && id % 997 == 3 ? "none\n" : std::to_string(id % 513) + ".25\n";
    if (bad && id % 1009 == 5) text += "too,few\n";
  }
  return text;
}

std::string ndjson_text(bool bad) {
  std::string text;
  for (int id = 1; id <= 90'000; ++id) {
    text += R"({"id": )" + std::to_string(id) + R"(, "name": "name of )" + std::to_string(id) + R"(", "amount": )";
    text += (bad && id % 997 == 3 ? "\"none\"" : std::to_string(id % 513) + ".25") + "}\n";
    if (bad && id % 1009 == 5) text += "{\"id\": \n\n";
  }
  return text;
}

/// The same rows in a document; bad ones are no objects, or have a value that does not fit.
std::string json_text() {
  std::string text = "{\"before\": [[], {\"rows\": 1}],\n\"rows\": [";
  for (int id = 1; id <= 90'000; ++id) {
    text += id == 1 ? "\n" : ",\n";
    if (id % 1009 == 5) text += "7, ";
    text += "{\"id\": " + std::to_string(id) + ",\n \"name\": \"name of " + std::to_string(id) + "\", \"amount\": ";
    text += (id % 997 == 3 ? "\"none\"" : std::to_string(id % 513) + ".25") + "}";
  }
  return text + "]}\n";
}

std::string packed(const std::string& text, compression kind) {
  auto with = make_packer(kind);
  std::string out;
  REQUIRE(with.ok());
  REQUIRE((*with)->pack(text, out).ok());
  REQUIRE((*with)->finish(out).ok());
  return out;
}

std::shared_ptr<arrow::RecordBatch> some_rows(std::int64_t first, std::int64_t count) {
  arrow::Int64Builder ids;
  arrow::StringBuilder names;
  for (auto id = first; id < first + count; ++id) {
    (void)ids.Append(id);
    (void)(id % 7 == 0 ? names.AppendNull() : names.Append("name " + std::to_string(id % 50)));
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())}), count,
      {ids.Finish().ValueOrDie(), names.Finish().ValueOrDie()});
}

class room {
 public:
  room() : context(make_context(folder.path().string())) {
    const auto plain = csv_text(false);
    const auto odd = csv_text(true);
    const auto lines = ndjson_text(true);
    (void)folder.write("t.csv", plain);
    (void)folder.write("odd.csv", odd);
    (void)folder.write("odd.csv.gz", packed(odd, compression::gzip));
    (void)folder.write("odd.csv.zst", packed(odd, compression::zstd));
    (void)folder.write("t.ndjson", ndjson_text(false));
    (void)folder.write("odd.ndjson", lines);
    (void)folder.write("odd.json", json_text());
    (void)folder.write("odd.json.gz", packed(json_text(), compression::gzip));
    (void)folder.write("odd.ndjson.gz", packed(lines, compression::gzip));
    std::vector<std::shared_ptr<arrow::RecordBatch>> parts;
    for (int part = 0; part < 5; ++part) parts.push_back(some_rows(part * 70'000, 70'000));
    write("parquet", {{"path", "t.parquet"}, {"row_group_rows", 100'000}}, parts);
    write("ipc", {{"path", "t.arrow"}}, parts);
    write("ipc", {{"path", "t.arrows"}}, parts);
    (void)folder.write("t.arrows.gz", packed(folder.read("t.arrows"), compression::gzip));
    write_database();
  }

  /// A table whose column `amount` holds a text now and then.
  void write_database() const {
    interruption never;
    auto made = sqlite::connection::open((folder.path() / "t.db").string(), sqlite::connection::access::create, never);
    REQUIRE(made.ok());
    REQUIRE(made->run("create table t (id integer, name text, amount double)").ok());
    REQUIRE(made->run("with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000) "
                      "insert into t select i, 'name ' || i, iif(i % 997 = 3, 'none', i % 513 + 0.5) from n")
                .ok());
  }

  source_request request(const reading& of) const {
    source_request made;
    made.unit = "in";
    made.number = 3;
    made.own = of.own;
    made.metadata = of.metadata;
    made.types = of.types;
    made.policy = of.policy;
    made.split_bytes = of.split_bytes;
    made.context = &context;
    return made;
  }
  std::unique_ptr<source> make(const reading& of) const {
    diagnostics faults;
    auto made = find_component(component_kind::source, of.source)->make_source(request(of), faults);
    for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
    REQUIRE(made != nullptr);
    if (!of.filter.empty()) REQUIRE(dynamic_cast<takes_filter&>(*made).leave_out_unless(of.filter, "in", context).ok());
    return made;
  }

  temporary_folder folder;
  run_context context;

 private:
  void write(const std::string& sink, options own, const std::vector<std::shared_ptr<arrow::RecordBatch>>& parts) {
    sink_request made;
    made.unit = "out";
    made.schema = parts.front()->schema();
    made.own = std::move(own);
    made.mode = "replace";
    made.context = &context;
    const auto written = write_all(*find_component(component_kind::sink, sink), made, parts);
    INFO((written.ok() ? "" : written.problem().to_string()));
    REQUIRE(written.ok());
  }
};

std::vector<read_step> steps_of(split_reader& from) {
  std::vector<read_step> all;
  for (bool end = false; !end;) {
    auto step = from.next();
    INFO((step.ok() ? "" : step.problem().to_string()));
    REQUIRE(step.ok());
    REQUIRE(check_step(*step, true).ok());
    end = step->end;
    all.push_back(std::move(step).value());
  }
  return all;
}

/// Everything that steps from `first` on brought.
struct brought {
  std::shared_ptr<arrow::Table> rows;
  std::vector<position> positions;
  std::vector<std::string> rejected;
  std::uint64_t records = 0, filtered = 0, set_null = 0;

  brought(const std::vector<read_step>& steps, std::size_t first, const std::shared_ptr<arrow::Schema>& schema) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    for (auto at = first; at < steps.size(); ++at) {
      const auto& step = steps[at];
      if (step.rows.data) batches.push_back(step.rows.data);
      for (std::int64_t row = 0; step.rows.positions && row < step.rows.rows(); ++row)
        positions.push_back(position_at(*step.rows.positions, row));
      for (const auto& one : step.rejected)
        rejected.push_back(std::to_string(one.offset) + " " + one.code + " " + one.column + " " + one.record);
      records += step.records;
      filtered += step.filtered;
      set_null += step.set_null;
    }
    rows = arrow::Table::FromRecordBatches(schema, batches).ValueOrDie()->CombineChunks().ValueOrDie();
  }
};

void check_same(const brought& a, const brought& b) {
  CHECK(a.rows->Equals(*b.rows));
  CHECK(a.positions == b.positions);
  CHECK(a.rejected == b.rejected);
  CHECK(a.records == b.records);
  CHECK(a.filtered == b.filtered);
  CHECK(a.set_null == b.set_null);
}

std::vector<reading> all_readings() {
  const options typed = {{"id", "bigint"}, {"name", "text"}, {"amount", "double"}};
  const options row_numbers = {{"_file", "path"}, {"_row", "row"}};
  const auto file = [](const char* name) { return options{{"path", name}}; };
  return {
      {.source = "csv", .what = "whole", .own = file("t.csv")},
      {.source = "csv", .what = "many splits", .own = file("t.csv"), .split_bytes = 300'000},
      {.source = "csv", .what = "rejects", .own = file("odd.csv"), .split_bytes = 900'000, .types = typed},
      {.source = "csv",
       .what = "nulls for misfits",
       .own = file("odd.csv"),
       .policy = on_error::set_null,
       .types = typed},
      {.source = "csv", .what = "row numbers", .own = file("odd.csv"), .metadata = row_numbers, .types = typed},
      {.source = "csv", .what = "filter", .own = file("odd.csv"), .filter = "amount > 250", .types = typed},
      {.source = "csv", .what = "gzip", .own = file("odd.csv.gz"), .metadata = row_numbers, .types = typed},
      {.source = "csv", .what = "zstd", .own = file("odd.csv.zst"), .filter = "id > 100", .types = typed},
      {.source = "ndjson", .what = "whole", .own = file("t.ndjson")},
      {.source = "ndjson", .what = "many splits", .own = file("t.ndjson"), .split_bytes = 1'300'000},
      {.source = "ndjson", .what = "rejects", .own = file("odd.ndjson"), .split_bytes = 3'000'000, .types = typed},
      {.source = "ndjson", .what = "row numbers", .own = file("odd.ndjson"), .metadata = row_numbers, .types = typed},
      {.source = "ndjson", .what = "gzip", .own = file("odd.ndjson.gz"), .filter = "amount > 250", .types = typed},
      {.source = "json", .what = "lines", .own = file("t.ndjson")},
      {.source = "json",
       .what = "rejects",
       .own = {{"path", "odd.json"}, {"rows", "rows[*]"}},
       .metadata = row_numbers,
       .types = typed},
      {.source = "json",
       .what = "gzip",
       .own = {{"path", "odd.json.gz"}, {"rows", "rows[*]"}},
       .filter = "amount > 250",
       .types = typed},
      {.source = "parquet", .what = "whole", .own = file("t.parquet"), .metadata = row_numbers},
      {.source = "parquet", .what = "a split a row group", .own = file("t.parquet"), .split_bytes = 1},
      {.source = "parquet",
       .what = "left-out row groups",
       .own = file("t.parquet"),
       .filter = "id > 60000 and id < 260000"},
      {.source = "parquet", .what = "a dictionary's texts", .own = file("t.parquet"), .filter = "name = 'name 3'"},
      {.source = "ipc", .what = "file", .own = file("t.arrow")},
      {.source = "ipc", .what = "a split a batch", .own = file("t.arrow"), .split_bytes = 1},
      {.source = "ipc", .what = "stream", .own = file("t.arrows")},
      {.source = "ipc", .what = "packed stream", .own = file("t.arrows.gz")},
      {.source = "sqlite", .what = "table", .own = {{"path", "t.db"}, {"table", "t"}}},
      {.source = "sqlite",
       .what = "query with rejects",
       .own = {{"path", "t.db"}, {"query", "select *, id * 2 as double from t where id > 7"}},
       .types = {{"amount", "decimal(10,1)"}}},
      {.source = "generate",
       .what = "rows",
       .own = {{"rows", 300'000}, {"columns", {{"id", "sequence"}, {"x", {{"random", {0, 9}}}}}}},
       .metadata = {{"_row", "row"}}},
  };
}

}  // namespace

TEST_CASE("every source opens a split at the position of any step, and the rest is the same") {
  const room files;
  std::set<std::string> tried;
  std::size_t positions = 0;
  for (const auto& of : all_readings()) {
    tried.insert(of.source);
    const auto from = files.make(of);
    CHECK(from->replayable());
    CHECK(from->bounded());
    const auto splits = from->discover();
    REQUIRE(splits.ok());
    for (const auto& piece : *splits) {
      if (splits->size() > 4 && piece.id % 3 == 1) continue;
      auto reader = from->open(piece, "");
      REQUIRE(reader.ok());
      const auto steps = steps_of(**reader);
      for (std::size_t done = 0; done < steps.size(); ++done) {
        if (steps[done].end) break;
        INFO(of.source << " " << of.what << ": split " << piece.id << " behind step " << done << " of "
                       << steps.size());
        REQUIRE_FALSE(steps[done].position.empty());
        // Another object, as in another process.
        const auto again = files.make(of);
        auto opened = again->open(piece, steps[done].position);
        REQUIRE(opened.ok());
        const auto rest = steps_of(**opened);
        check_same(brought(rest, 0, from->schema()), brought(steps, done + 1, from->schema()));
        ++positions;
      }
    }
  }
  CHECK(positions > 60);
  tried.insert("kafka");  // tests/services, against a broker
  for (const auto* one : components())
    if (one->spec.kind == component_kind::source) {
      INFO(one->spec.name);
      // Those of servers are tried with their servers, by tests/services.
      CHECK((connection_of(one->spec.value) != nullptr || tried.count(one->spec.name) == 1));
    }
}

TEST_CASE("every source finds the same splits again, and refuses a position that is not its own") {
  const room files;
  for (const auto& of : all_readings()) {
    INFO(of.source << " " << of.what);
    const auto from = files.make(of);
    const auto first = from->discover();
    const auto second = from->discover();
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    REQUIRE(first->size() == second->size());
    for (std::size_t at = 0; at < first->size(); ++at) {
      CHECK((*first)[at].id == at);
      CHECK((*first)[at].object == (*second)[at].object);
      CHECK((*first)[at].begin == (*second)[at].begin);
    }
    auto reader = from->open(first->front(), "of another source");
    if (reader.ok()) {
      const auto step = (*reader)->next();
      REQUIRE_FALSE(step.ok());
      CHECK(step.problem().code == "foreign_bytes");
    } else {
      CHECK(reader.problem().code == "foreign_bytes");
    }
  }
}

TEST_CASE("standard input says that it can't be read again, and refuses a position") {
  const room files;
  for (const std::string name : {"csv", "ndjson", "ipc"}) {
    INFO(name);
    source_request request;
    request.unit = "in";
    request.own = {{"path", "-"}};
    request.context = &files.context;
    request.resolved = arrow::schema({arrow::field("id", arrow::int64())});
    diagnostics faults;
    const auto from = find_component(component_kind::source, name)->make_source(request, faults);
    REQUIRE(from != nullptr);
    CHECK_FALSE(from->replayable());
    const split piece{.id = 0, .object = "-", .begin = 0, .end = 1, .bytes = 0};
    const auto opened = from->open(piece, "some position");
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.problem().code == "not_replayable");
  }
}
