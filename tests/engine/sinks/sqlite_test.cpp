#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/clients/sqlite/connection.hpp"

#include <arrow/api.h>
#include <sys/mount.h>

#include <catch2/catch.hpp>

#include <thread>

using namespace sluice;
using namespace sluice::test;

namespace {

using rows = std::vector<std::vector<std::string>>;

const component& sqlite_component() { return *find_component(component_kind::sink, "sqlite"); }

class fixture {
 public:
  fixture() : context(make_context(folder.path().string())) {}

  sink_request request(const std::string& mode, const std::shared_ptr<arrow::RecordBatch>& like,
                       std::vector<std::string> key = {}) {
    sink_request made;
    made.unit = "shop";
    made.schema = like->schema();
    made.own = {{"path", "shop.db"}, {"table", "orders"}};
    made.mode = mode;
    made.key = std::move(key);
    made.context = &context;
    return made;
  }
  void run(const std::string& sql) {
    auto opened = sqlite::connection::open(folder.file("shop.db"), sqlite::connection::access::create, stop);
    REQUIRE(opened.ok());
    REQUIRE(opened->run(sql).ok());
  }
  rows query(const std::string& sql) {
    auto opened = sqlite::connection::open(folder.file("shop.db"), sqlite::connection::access::read, stop);
    if (!opened.ok()) throw std::runtime_error(opened.problem().to_string());
    auto found = opened->rows(sql);
    if (!found.ok()) throw std::runtime_error(found.problem().to_string());
    return std::move(found).value();
  }

  temporary_folder folder;
  run_context context;
  interruption stop;
};

std::shared_ptr<arrow::RecordBatch> people(const std::string& ids, const std::string& names) {
  return make_table({{"id", "bigint", ids}, {"name", "text", names}});
}

}  // namespace

TEST_CASE_METHOD(fixture, "SQLite gets every type in the form that it keeps exactly") {
  const auto table = make_table({{"b", "boolean", "[true, null]"},
                                 {"i", "bigint", "[9223372036854775807, null]"},
                                 {"u", "ubigint", "[5, null]"},
                                 {"d", "double", "[0.1, null]"},
                                 {"small", "decimal(12,2)", R"(["12.30", null])"},
                                 {"large", "decimal(30,2)", R"(["1234567890123456789012345678.90", null])"},
                                 {"t", "text", R"(["007", null])"},
                                 {"bytes", "bytea", R"(["a", null])"},
                                 {"day", "date", "[19844, null]"},
                                 {"at", "timestamp", R"(["2024-05-01 12:00:00.5", null])"},
                                 {"zoned", "timestamptz", R"(["2024-05-01 12:00:00", null])"},
                                 {"list", "bigint[]", "[[1, null], null]"}});
  const auto report = write_all(sqlite_component(), request("error", table), {table});
  REQUIRE(report.ok());
  CHECK(report->loaded == 2);
  CHECK(report->target == folder.file("shop.db") + ":orders");
  CHECK(query("SELECT b, i, u, d, small, large, t, hex(bytes), day, at, zoned, list FROM orders WHERE i IS NOT NULL") ==
        rows{{"1", "9223372036854775807", "5", "0.1", "12.3", "1234567890123456789012345678.90", "007", "61",
              "2024-05-01", "2024-05-01 12:00:00.5", "2024-05-01 12:00:00+00:00", "[1,null]"}});
  CHECK(query("SELECT typeof(b), typeof(small), typeof(large), typeof(t), typeof(bytes) FROM orders LIMIT 1") ==
        rows{{"integer", "real", "text", "text", "blob"}});
  CHECK(query("SELECT count(*) FROM orders WHERE b IS NULL AND list IS NULL AND bytes IS NULL") == rows{{"1"}});
  CHECK(query("SELECT datetime(zoned) FROM orders LIMIT 1") == rows{{"2024-05-01 12:00:00"}});
  CHECK(folder.names() == std::vector<std::string>{"shop.db"});
}

TEST_CASE_METHOD(fixture, "whoever waits for the database can be stopped") {
  run("CREATE TABLE orders (id INTEGER, name TEXT)");
  const auto table = people("[2, 3]", R"(["b", "c"])");
  diagnostics faults;
  const auto sink = sqlite_component().make_sink(request("append", table), faults);
  REQUIRE(sink);
  auto other = sqlite::connection::open(folder.file("shop.db"), sqlite::connection::access::write, stop);
  REQUIRE(other.ok());
  status done;
  SECTION("while it looks at the table") {
    REQUIRE(other->run("BEGIN EXCLUSIVE").ok());
    std::thread opens([&] { done = sink->open(1); });
    sink->interrupt();
    opens.join();
  }
  SECTION("while it publishes") {
    REQUIRE(sink->open(1).ok());
    row_errors refused;
    REQUIRE(sink->write(as_batch(table), refused).ok());
    const auto prepared = sink->prepare(1);
    REQUIRE(prepared.ok());
    REQUIRE(other->run("BEGIN IMMEDIATE").ok());
    std::thread commits([&] { done = sink->commit(prepared->token); });
    sink->interrupt();
    commits.join();
    REQUIRE(other->run("ROLLBACK").ok());
    CHECK(sink->commit(prepared->token).ok());
    CHECK(query("SELECT count(*) FROM orders") == rows{{"2"}});
  }
  REQUIRE_FALSE(done.ok());
  CHECK(done.problem().code == "interrupted");
}

TEST_CASE_METHOD(fixture, "rows show in the table only on commit, and committing again adds none") {
  run("CREATE TABLE orders (id INTEGER, name TEXT); INSERT INTO orders VALUES (1, 'old')");
  const auto table = people("[2, 3]", R"(["b", "c"])");
  diagnostics faults;
  const auto sink = sqlite_component().make_sink(request("append", table), faults);
  REQUIRE(sink);
  row_errors refused;
  REQUIRE(sink->open(1).ok());
  REQUIRE(sink->write(as_batch(table), refused).ok());
  run("INSERT INTO orders VALUES (9, 'someone else, meanwhile')");
  const auto prepared = sink->prepare(1);
  REQUIRE(prepared.ok());
  CHECK(query("SELECT count(*) FROM orders") == rows{{"2"}});
  REQUIRE(sink->commit(prepared->token).ok());
  REQUIRE(sink->commit(prepared->token).ok());
  CHECK(query("SELECT group_concat(id) FROM orders") == rows{{"1,9,2,3"}});
  CHECK(query("SELECT sink, run, epoch, attempt, target, rows FROM _sluice_commits") ==
        rows{{"test.shop", context.run_id, "1", "1", "orders", "2"}});
}

TEST_CASE_METHOD(fixture, "another process that repeats the commit of a run adds no rows") {
  const auto table = people("[1]", R"(["a"])");
  REQUIRE(write_all(sqlite_component(), request("append", table), {table}).ok());
  REQUIRE(write_all(sqlite_component(), request("append", table), {table}).ok());
  CHECK(query("SELECT count(*) FROM orders") == rows{{"1"}});
}

TEST_CASE_METHOD(fixture, "an abort leaves neither a database nor a staging file") {
  const auto table = people("[1]", R"(["a"])");
  auto what = request("append", table);
  what.own["path"] = "new/folder/shop.db";
  diagnostics faults;
  const auto sink = sqlite_component().make_sink(what, faults);
  row_errors refused;
  REQUIRE(sink->open(1).ok());
  REQUIRE(sink->write(as_batch(table), refused).ok());
  SECTION("before prepare") {}
  SECTION("after prepare") { REQUIRE(sink->prepare(1).ok()); }
  sink->abort();
  CHECK(folder.names().empty());
}

TEST_CASE_METHOD(fixture, "replace removes all old rows and keeps the table's own definition") {
  run("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT DEFAULT 'x', extra TEXT DEFAULT 'kept'); INSERT INTO "
      "orders (id) VALUES (1), (7)");
  const auto table = people("[1, 2]", R"(["a", "b"])");
  const auto report = write_all(sqlite_component(), request("replace", table), {table});
  REQUIRE(report.ok());
  CHECK(report->loaded == 2);
  CHECK(query("SELECT id, name, extra FROM orders ORDER BY id") == rows{{"1", "a", "kept"}, {"2", "b", "kept"}});
}

TEST_CASE_METHOD(fixture, "mode error refuses an existing table before any work") {
  run("CREATE TABLE orders (id INTEGER, name TEXT)");
  const auto table = people("[1]", R"(["a"])");
  const auto report = write_all(sqlite_component(), request("error", table), {table});
  REQUIRE_FALSE(report.ok());
  CHECK(report.problem().code == "target_exists");
}

TEST_CASE_METHOD(fixture, "upsert replaces rows by key and counts those replaced within the run") {
  const auto first = people("[1, 2, 1]", R"(["a", "b", "c"])");
  const auto report = write_all(sqlite_component(), request("upsert", first, {"id"}), {first});
  REQUIRE(report.ok());
  CHECK(report->loaded == 2);
  CHECK(report->merged == 1);
  CHECK(query("SELECT id, name FROM orders ORDER BY id") == rows{{"1", "c"}, {"2", "b"}});
  context.run_id = "second";
  const auto second = people("[2, 3]", R"(["B", null])");
  REQUIRE(write_all(sqlite_component(), request("upsert", second, {"id"}), {second}).ok());
  CHECK(query("SELECT id, name FROM orders ORDER BY id") == rows{{"1", "c"}, {"2", "B"}, {"3", ""}});
}

TEST_CASE_METHOD(fixture, "upsert needs a unique index and says which") {
  run("CREATE TABLE orders (id INTEGER, name TEXT)");
  const auto table = people("[1]", R"(["a"])");
  const auto report = write_all(sqlite_component(), request("upsert", table, {"id"}), {table});
  REQUIRE_FALSE(report.ok());
  CHECK(report.problem().code == "no_unique_key");
  run(report.problem().hint);
  CHECK(write_all(sqlite_component(), request("upsert", table, {"id"}), {table}).ok());
}

TEST_CASE_METHOD(fixture, "rows that the table's rules refuse go to the rejects, or fail the run with row and rule") {
  run("CREATE TABLE orders (id INTEGER UNIQUE, name TEXT NOT NULL CHECK (length(name) < 5)); INSERT INTO orders VALUES "
      "(7, 'old')");
  const auto table = people("[1, 2, 1, 7, 5]", R"(["a", null, "dup", "old", "toolong"])");
  auto what = request("append", table);
  what.policy = on_error::reject;
  diagnostics faults;
  const auto sink = sqlite_component().make_sink(what, faults);
  row_errors refused;
  REQUIRE(sink->open(1).ok());
  REQUIRE(sink->write(as_batch(table), refused).ok());
  const auto prepared = sink->prepare(1);
  REQUIRE(prepared->report.loaded == 1);
  REQUIRE(sink->commit(prepared->token).ok());
  REQUIRE(refused.size() == 4);
  CHECK(refused[0].message == "NOT NULL constraint failed: orders.name");
  CHECK(refused[1].message == "UNIQUE constraint failed: orders.id");
  CHECK(refused[2].message.find("already has a row with these values") != std::string::npos);
  CHECK(refused[3].message.find("CHECK constraint failed") != std::string::npos);
  CHECK(refused[3].row == 4);
  context.run_id = "second";
  const auto bad = people("[null]", "[null]");
  const auto failed = write_all(sqlite_component(), request("append", bad), {bad});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.problem().code == "constraint_violated");
  CHECK(failed.problem().message.find("row 1 (id=null, name=null): NOT NULL") != std::string::npos);
}

TEST_CASE_METHOD(fixture, "what SQLite would change silently is refused") {
  const auto table = make_table({{"u", "ubigint", "[1, 18446744073709551615]"}, {"d", "double", "[NaN, 1.0]"}});
  auto what = request("error", table);
  what.policy = on_error::reject;
  diagnostics faults;
  const auto sink = sqlite_component().make_sink(what, faults);
  row_errors refused;
  REQUIRE(sink->open(1).ok());
  REQUIRE(sink->write(as_batch(table), refused).ok());
  sink->abort();
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].code == "not_representable");
  CHECK(refused[1].code == "numeric_overflow");
  what.policy = on_error::set_null;
  const auto report = write_all(sqlite_component(), what, {table});
  REQUIRE(report.ok());
  CHECK(report->loaded == 2);
  CHECK(report->set_null == 2);
}

TEST_CASE_METHOD(fixture, "an existing table must fit the columns that arrive") {
  const auto table = people("[1]", R"(["a"])");
  const auto code = [&](const std::string& sql) {
    run(sql);
    const auto report = write_all(sqlite_component(), request("append", table), {table});
    return report.ok() ? "" : report.problem().code;
  };
  CHECK(code("CREATE TABLE orders (id INTEGER, nam TEXT)") == "unknown_column");
  CHECK(code("DROP TABLE orders; CREATE TABLE orders (id INTEGER, name INTEGER)") == "type_mismatch");
  CHECK(code("DROP TABLE orders; CREATE TABLE orders (id INTEGER, name TEXT, more TEXT NOT NULL)") == "missing_column");
  CHECK(code("DROP TABLE orders; CREATE VIEW orders AS SELECT 1 AS id, 'x' AS name") == "is_a_view");
  CHECK(code("DROP VIEW orders; CREATE TABLE orders (ID INTEGER, NAME VARCHAR(20), more TEXT)") == "");
}

TEST_CASE_METHOD(fixture, "a file that is no database says so") {
  (void)folder.write("shop.db", std::string(4096, 'x'));
  const auto table = people("[1]", R"(["a"])");
  const auto report = write_all(sqlite_component(), request("append", table), {table});
  REQUIRE_FALSE(report.ok());
  CHECK(report.problem().code == "not_a_database");
  CHECK(folder.names() == std::vector<std::string>{"shop.db"});
}

TEST_CASE_METHOD(fixture, "a disk that is full leaves no database behind") {
  const temporary_folder small;
  if (::mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=128k") != 0) {
    WARN("mounting needs root: not tested");
    return;
  }
  const auto table = make_table({{"name", "text", "[\"" + std::string(8 << 20, 'x') + "\"]"}});
  auto what = request("append", table);
  what.own["path"] = small.file("shop.db");
  const auto report = write_all(sqlite_component(), what, {table});
  CHECK(report.problem().code == "disk_full");
  CHECK(small.names().empty());
  ::umount(small.path().c_str());
}

TEST_CASE_METHOD(fixture, "options of a table that make no sense are reported together") {
  const auto table = people("[1]", R"(["a"])");
  auto what = request("", table, {"idd"});
  what.own = options::object();
  std::vector<std::string> codes;
  for (const auto& fault : faults_of(sqlite_component(), what)) codes.push_back(fault.code);
  CHECK(codes ==
        std::vector<std::string>{"missing_path", "missing_table", "missing_mode", "unexpected_key", "unknown_column"});
}
