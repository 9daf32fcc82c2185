#include "engine/sinks/when_down/row_log.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <arrow/api.h>

#include <filesystem>
#include <fstream>

using namespace sluice;
using sluice::test::temporary_folder;
using namespace sluice::when_down;

namespace {

batch rows_of(std::int64_t first, std::int64_t count) {
  arrow::Int64Builder builder;
  for (auto n = first; n < first + count; ++n) REQUIRE(builder.Append(n).ok());
  return {.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), count,
                                           {builder.Finish().ValueOrDie()}),
          .positions = nullptr,
          .order = {}};
}

struct log_in_folder {
  temporary_folder folder;
  interruption stop;
  row_log log{folder.file("log")};

  log_in_folder() { REQUIRE(log.make("first", stop).ok()); }

  segment write(const std::string& run, std::uint64_t epoch, std::int64_t first, std::int64_t count) const {
    auto writer = *segment_writer::create(log.folder(), "s_" + run + "_" + std::to_string(epoch), run);
    REQUIRE(writer->append(rows_of(first, count)).ok());
    return *writer->finish(epoch);
  }
  static std::vector<std::int64_t> read(const waiting_segment& what) {
    std::vector<std::int64_t> all;
    const auto done = read_segment(what, [&](const batch& rows) -> status {
      const auto& column = static_cast<const arrow::Int64Array&>(*rows.data->column(0));
      for (std::int64_t row = 0; row < column.length(); ++row) all.push_back(column.Value(row));
      return {};
    });
    REQUIRE(done.ok());
    return all;
  }
};

}  // namespace

TEST_CASE("segments wait in the order in which they were admitted, over several runs, each once") {
  log_in_folder with;
  const auto one = with.write("a", 1, 0, 3);
  const auto two = with.write("a", 2, 3, 2);
  const auto three = with.write("b", 3, 5, 1);
  for (const auto& what : {one, two, three}) REQUIRE(with.log.admit(*segment::of_token(what.to_token())).ok());
  REQUIRE(with.log.admit(two).ok());  // repeating it does nothing
  auto waiting = *with.log.waiting();
  REQUIRE(waiting.size() == 3);
  CHECK(log_in_folder::read(waiting[0]) == std::vector<std::int64_t>{0, 1, 2});
  CHECK(log_in_folder::read(waiting[2]) == std::vector<std::int64_t>{5});
  REQUIRE(with.log.done(waiting[0]).ok());
  REQUIRE(with.log.admit(one).ok());  // nor after it was loaded
  waiting = *with.log.waiting();
  REQUIRE(waiting.size() == 2);
  CHECK(log_in_folder::read(waiting[0]) == std::vector<std::int64_t>{3, 4});
  CHECK(*with.log.loaded() == 1);
  CHECK(*with.log.id() == "first");
}

TEST_CASE("a process may die between any two steps of admitting and loading") {
  log_in_folder with;
  const auto one = with.write("a", 1, 0, 3);
  const auto notes = with.log.folder() + "/notes";
  std::filesystem::copy_file(notes, notes + ".before");
  REQUIRE(with.log.admit(one).ok());
  // It died when the segment had its name, and the notes did not say so.
  std::filesystem::rename(notes + ".before", notes);
  REQUIRE(with.log.admit(one).ok());
  auto waiting = *with.log.waiting();
  REQUIRE(waiting.size() == 1);
  // It died when the notes said that it was loaded, and the file was still there.
  std::filesystem::copy_file(waiting[0].path, waiting[0].path + ".kept");
  REQUIRE(with.log.done(waiting[0]).ok());
  std::filesystem::rename(waiting[0].path + ".kept", waiting[0].path);
  CHECK(with.log.waiting()->empty());
}

TEST_CASE("segments that nobody admitted are removed, those of other runs and those that are kept are not") {
  log_in_folder with;
  const auto kept = with.write("a", 1, 0, 1);
  const auto gone = with.write("a", 2, 1, 1);
  const auto others = with.write("b", 1, 2, 1);
  REQUIRE(with.log.discard("a", {kept}).ok());
  CHECK(with.log.admit(kept).ok());
  CHECK(with.log.admit(others).ok());
  CHECK(with.log.admit(gone).problem().code == "prepared_lost");
}

TEST_CASE("segments belong to the run that began last, and to those that go on behind it") {
  log_in_folder with;
  REQUIRE(with.log.begin("a").ok());
  CHECK(*with.log.begun() == 1);
  REQUIRE(with.log.admit(with.write("a", 1, 0, 3)).ok());
  REQUIRE(with.log.begin("a").ok());  // a later try of the run
  CHECK(*with.log.begun() == 1);
  REQUIRE(with.log.admit(with.write("behind a", 2, 3, 2)).ok());
  CHECK(*with.log.begun() == 1);
  REQUIRE(with.log.begin("b").ok());
  CHECK(*with.log.begun() == 3);
}

TEST_CASE("a damaged or shortened segment is found") {
  log_in_folder with;
  REQUIRE(with.log.admit(with.write("a", 1, 0, 1000)).ok());
  const auto waiting = with.log.waiting()->front();
  const auto read = [&] { return read_segment(waiting, [](const batch&) { return status(); }); };
  CHECK(read().ok());
  const auto size = std::filesystem::file_size(waiting.path);
  {
    std::fstream file(waiting.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(size / 2));
    const auto old = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.put(static_cast<char>(old ^ 1));
  }
  CHECK(read().problem().code == "spill_log_damaged");
  std::filesystem::resize_file(waiting.path, size - 3);
  CHECK(read().problem().code == "spill_log_damaged");
}
