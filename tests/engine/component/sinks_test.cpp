#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/clients/sqlite/connection.hpp"
#include "engine/component/connection_field.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace sluice;
using namespace sluice::test;

/// What every sink promises, for each one in the list: what it has prepared can be committed by its token alone, by
/// another process, once or again; what nobody commits leaves nothing behind.

namespace {

struct target {
  std::string sink;
  options own;
  std::vector<std::string> modes;
  std::vector<std::string> key = {};
  std::string file = {};  ///< that it writes; empty: none
  bool epochs = false;    ///< takes several
};

std::vector<target> all_targets() {
  return {
      {.sink = "csv", .own = {{"path", "out/t.csv"}}, .modes = {"replace", "error", "append"}, .file = "out/t.csv"},
      {.sink = "csv", .own = {{"path", "t.csv.gz"}}, .modes = {"replace", "append"}, .file = "t.csv.gz"},
      {.sink = "ndjson", .own = {{"path", "t.ndjson"}}, .modes = {"replace", "error", "append"}, .file = "t.ndjson"},
      {.sink = "parquet", .own = {{"path", "t.parquet"}}, .modes = {"replace", "error"}, .file = "t.parquet"},
      {.sink = "ipc", .own = {{"path", "t.arrow"}}, .modes = {"replace", "error"}, .file = "t.arrow"},
      {.sink = "sqlite",
       .own = {{"path", "t.db"}, {"table", "Orders"}},
       .modes = {"error", "replace", "append"},
       .file = "t.db",
       .epochs = true},
      {.sink = "sqlite",
       .own = {{"path", "t.db"}, {"table", "Orders"}},
       .modes = {"upsert"},
       .key = {"id"},
       .file = "t.db",
       .epochs = true},
      {.sink = "csv",
       .own = {{"path", "lake"}, {"partition_by", options::array({"name"})}, {"file_rows", 1}},
       .modes = {"replace", "error", "append", "replace_partitions"},
       .file = "lake",
       .epochs = true},
      {.sink = "blackhole", .own = options::object(), .modes = {"replace"}, .epochs = true},
      {.sink = "stdout", .own = {{"format", "csv"}}, .modes = {"replace"}, .epochs = true},
  };
}

std::shared_ptr<arrow::RecordBatch> orders(const std::string& ids) {
  return make_table({{"id", "bigint", ids}, {"name", "text", "[\"a\", \"b\"]"}});
}

/// The sinks of one unit of one run, each as in a process of its own.
class unit_under_test {
 public:
  unit_under_test(const target& what, const std::string& mode)
      : context(make_context(folder.path().string())), what_(what), mode_(mode) {}

  std::unique_ptr<sink> make() const {
    sink_request request;
    request.unit = "load";
    request.schema = orders("[1, 2]")->schema();
    request.own = what_.own;
    request.mode = mode_;
    request.key = what_.key;
    request.context = &context;
    diagnostics faults;
    auto made = find_component(component_kind::sink, what_.sink)->make_sink(request, faults);
    for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
    REQUIRE(made != nullptr);
    return made;
  }
  /// Opens, writes and prepares; the object is gone afterwards, without a word, as after a crash.
  std::string prepare(std::uint32_t attempt = 1) const {
    const auto made = make();
    write(*made, attempt);
    const auto prepared = made->prepare(1);
    INFO((prepared.ok() ? "" : prepared.problem().to_string()));
    REQUIRE(prepared.ok());
    CHECK(prepared->report.loaded == 2);
    CHECK_FALSE(prepared->token.empty());
    CHECK(prepared->token.size() < 4096);
    return prepared->token;
  }
  /// Dies before it has prepared: nobody tells the object.
  void die_while_writing(std::uint32_t attempt) {
    dead_.push_back(make());
    write(*dead_.back(), attempt);
  }
  [[nodiscard]] std::string content() const {
    if (what_.file == "lake") return lines_of_parts();
    if (what_.sink != "sqlite") return what_.file.empty() ? "" : folder.read(what_.file);
    interruption stop;
    auto opened = sqlite::connection::open(folder.file(what_.file), sqlite::connection::access::read, stop);
    if (!opened.ok()) return "";
    const auto rows = opened->rows("SELECT id, name FROM Orders ORDER BY id, name");
    std::string all;
    if (rows.ok())
      for (const auto& row : *rows) all += row[0] + row[1] + ";";
    return all;
  }
  /// Names of files but the target's.
  [[nodiscard]] std::vector<std::string> others() const {
    auto names = folder.names();
    std::erase(names, what_.file);
    std::erase(names, "out");
    if (what_.file == "lake")
      std::erase_if(names, [](const auto& name) { return name.find("/name=") != std::string::npos; });
    return names;
  }

  temporary_folder folder;
  run_context context;

 private:
  static void write(sink& to, std::uint32_t attempt) {
    const auto opened = to.open(attempt);
    INFO((opened.ok() ? "" : opened.problem().to_string()));
    REQUIRE(opened.ok());
    row_errors refused;
    REQUIRE(to.write(as_batch(orders("[1, 2]")), refused).ok());
    CHECK(refused.empty());
  }
  /// Of all partitions, in the order of the names of their files; those that are hidden count as well.
  [[nodiscard]] std::string lines_of_parts() const {
    std::map<std::string, std::string> found;
    std::error_code ignored;
    for (std::filesystem::recursive_directory_iterator at(folder.path() / "lake", ignored), end; at != end; ++at)
      if (at->is_regular_file() && !at->path().filename().string().starts_with('.')) {
        std::ifstream file(at->path());
        std::string header, line;
        std::getline(file, header);
        while (std::getline(file, line)) found[line.substr(0, line.find(','))] = line;
      }
    std::string all;
    for (const auto& [id, line] : found) all += line.substr(0, 1) + line.substr(2) + ";";
    return all;
  }
  const target& what_;
  std::string mode_;
  std::vector<std::unique_ptr<sink>> dead_;
};

/// What the target holds where nothing goes wrong.
std::string expected(const target& what, const std::string& mode) {
  const unit_under_test plain(what, mode);
  const auto made = plain.make();
  const auto token = plain.prepare();
  REQUIRE(made->commit(token).ok());
  return plain.content();
}

}  // namespace

TEST_CASE("every sink commits by the token alone, in another process, and again without effect") {
  std::set<std::string> tried;
  for (const auto& what : all_targets()) {
    tried.insert(what.sink);
    for (const auto& mode : what.modes) {
      INFO(what.sink << " " << what.own.dump() << " " << mode);
      const unit_under_test unit(what, mode);
      const auto token = unit.prepare();
      CHECK(unit.content().empty());
      REQUIRE(unit.make()->recover({token}).ok());
      CHECK(unit.content() == expected(what, mode));
      CHECK(unit.others().empty());
      // A successor that did not hear of it does all of it again.
      REQUIRE(unit.make()->recover({token}).ok());
      REQUIRE(unit.make()->commit(token).ok());
      CHECK(unit.content() == expected(what, mode));
      CHECK(unit.others().empty());
    }
  }
  tried.insert("kafka");  // tests/services, against a broker
  for (const auto* one : components())
    if (one->spec.kind == component_kind::sink) {
      INFO(one->spec.name);
      // Those of servers are tried with their servers, by tests/services.
      CHECK((connection_of(one->spec.value) != nullptr || tried.count(one->spec.name) == 1));
    }
}

TEST_CASE("what no token names is removed by the recovery, of all attempts, and nothing else") {
  for (const auto& what : all_targets()) {
    for (const auto& mode : what.modes) {
      for (const bool committed : {false, true}) {
        if (what.file.empty()) continue;
        INFO(what.sink << " " << what.own.dump() << " " << mode
                       << (committed ? ", the first attempt is committed" : ""));
        unit_under_test unit(what, mode);
        const auto token = unit.prepare(1);
        (void)unit.prepare(2);
        unit.die_while_writing(3);
        if (!committed) {
          (void)unit.folder.write("other.txt", "of someone else");
          REQUIRE(unit.make()->recover({}).ok());
          CHECK(unit.content().empty());
          CHECK(unit.others() == std::vector<std::string>{"other.txt"});
        } else {
          REQUIRE(unit.make()->recover({token}).ok());
          CHECK(unit.content() == expected(what, mode));
          CHECK(unit.others().empty());
        }
      }
    }
  }
}

TEST_CASE("an abort removes what was prepared, and a token that was published before is no longer due") {
  for (const auto& what : all_targets()) {
    if (what.file.empty()) continue;
    const auto& mode = what.modes.front();
    INFO(what.sink << " " << what.own.dump() << " " << mode);
    const unit_under_test unit(what, mode);
    const auto made = unit.make();
    REQUIRE(made->open(1).ok());
    row_errors refused;
    REQUIRE(made->write(as_batch(orders("[1, 2]")), refused).ok());
    const auto prepared = made->prepare(1);
    REQUIRE(prepared.ok());
    made->abort();
    CHECK(unit.folder.names().empty());
    const auto committed = unit.make()->commit(prepared->token);
    REQUIRE_FALSE(committed.ok());
    CHECK(committed.problem().code == "prepared_lost");
    CHECK(unit.make()->commit("of another sink").problem().code == "foreign_bytes");
  }
}

TEST_CASE("every sink that is interrupted returns from its calls, and an abort removes what it has made") {
  for (const auto& what : all_targets()) {
    INFO(what.sink << " " << what.own.dump());
    const unit_under_test unit(what, what.modes.front());
    const auto made = unit.make();
    REQUIRE(made->open(1).ok());
    row_errors refused;
    REQUIRE(made->write(as_batch(orders("[1, 2]")), refused).ok());
    made->interrupt();
    (void)made->write(as_batch(orders("[3, 4]")), refused);
    (void)made->prepare(1);
    made->abort();
    CHECK(unit.folder.names().empty());
  }
}

TEST_CASE("a sink takes several epochs, each visible with its own commit, or says that it can't") {
  for (const auto& what : all_targets()) {
    const auto& mode = what.modes.front();
    INFO(what.sink << " " << what.own.dump() << " " << mode);
    const unit_under_test unit(what, mode);
    const auto made = unit.make();
    REQUIRE(made->open(1).ok());
    row_errors refused;
    REQUIRE(made->write(as_batch(orders("[1, 2]")), refused).ok());
    const auto first = made->prepare(1);
    REQUIRE(first.ok());
    auto written = made->write(as_batch(orders("[3, 4]")), refused);
    auto second = written.ok() ? made->prepare(2) : result<prepared_epoch>(written.problem());
    if (!what.epochs) {
      REQUIRE_FALSE(second.ok());
      CHECK(second.problem().code == "not_supported");
      continue;
    }
    REQUIRE(second.ok());
    CHECK(second->report.loaded == 2);
    if (what.file.empty()) continue;
    REQUIRE(unit.make()->commit(first->token).ok());
    CHECK(unit.content() == "1a;2b;");
    REQUIRE(unit.make()->recover({first->token, second->token}).ok());
    CHECK(unit.content() == "1a;2b;3a;4b;");
    CHECK(unit.others().empty());
    // An attempt that follows continues after the epochs that are visible.
    const auto next = unit.make();
    REQUIRE(next->open(2).ok());
    REQUIRE(next->write(as_batch(orders("[5, 6]")), refused).ok());
    const auto third = next->prepare(3);
    REQUIRE(third.ok());
    REQUIRE(next->commit(third->token).ok());
    CHECK(unit.content() == "1a;2b;3a;4b;5a;6b;");
  }
}

TEST_CASE("every sink of the list says what it writes to, or writes to nothing") {
  for (const auto& what : all_targets()) {
    INFO(what.sink);
    const auto* found = find_component(component_kind::sink, what.sink);
    if (what.sink == "blackhole") {
      CHECK(found->target == nullptr);
      continue;
    }
    REQUIRE(found->target != nullptr);
    const auto stated = found->target(what.own);
    CHECK(stated.path == (what.file.empty() ? "-" : what.own["path"].get<std::string>()));
    CHECK(stated.what == (what.file.empty()       ? write_target::kind::standard_output
                          : what.sink == "sqlite" ? write_target::kind::table
                          : what.file == "lake"   ? write_target::kind::folder
                                                  : write_target::kind::file));
  }
}
