#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include <arrow/api.h>
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const component& stdout_component() { return *find_component(component_kind::sink, "stdout"); }

/// Puts another file in the place of standard output for a while.
class redirected {
 public:
  explicit redirected(int file) : before_(::dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    ::dup2(file, STDOUT_FILENO);
  }
  ~redirected() {
    ::dup2(before_, STDOUT_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

sink_request request(const std::shared_ptr<arrow::RecordBatch>& like, options own) {
  sink_request made;
  made.unit = "shown";
  made.schema = like->schema();
  made.own = std::move(own);
  made.mode = "replace";
  return made;
}

std::string shown(const std::shared_ptr<arrow::RecordBatch>& table, options own) {
  const temporary_folder folder;
  const int file = ::open(folder.file("out").c_str(), O_WRONLY | O_CREAT, 0600);
  auto report = result<sink_report>(sink_report{});
  {
    const redirected out(file);
    report = write_all(stdout_component(), request(table, std::move(own)), {table});
  }
  ::close(file);
  REQUIRE(report.ok());
  CHECK(report->loaded == static_cast<std::uint64_t>(table->num_rows()));
  return folder.read("out");
}

}  // namespace

TEST_CASE("rows are shown on standard output in each format") {
  const auto table = make_table(
      {{"id", "bigint", "[1, 22]"}, {"name", "text", R"(["gr\u00fcn\n\u001b", null])"}, {"d", "date", "[19844, 0]"}});
  CHECK(
      shown(table, options::object()) ==
      "{\"id\":1,\"name\":\"grün\\n\\u001b\",\"d\":\"2024-05-01\"}\n{\"id\":22,\"name\":null,\"d\":\"1970-01-01\"}\n");
  CHECK(shown(table->SelectColumns({0, 2}).ValueOrDie(), {{"format", "csv"}}) == "id,d\n1,2024-05-01\n22,1970-01-01\n");
  CHECK(shown(table, {{"format", "table"}}) ==
        "id  name        d\n"
        "--  ----------  ----------\n"
        " 1  grün\\n\\x1b  2024-05-01\n"
        "22  null        1970-01-01\n");
}

TEST_CASE("a reader of standard output that goes is no error") {
  const auto table = make_table({{"id", "bigint", "[1]"}});
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  auto report = result<sink_report>(sink_report{});
  {
    const redirected out(ends[1]);
    report = write_all(stdout_component(), request(table, {{"format", "csv"}}), std::vector(100, table));
  }
  ::close(ends[1]);
  REQUIRE(report.ok());
  CHECK(report->loaded == 100);
}

TEST_CASE("an unknown format of standard output is refused") {
  const auto table = make_table({{"id", "bigint", "[1]"}});
  CHECK(faults_of(stdout_component(), request(table, {{"format", "xml"}})).at(0).path == "/stdout/format");
}
