#include "engine/files/follow/followed_file.hpp"
#include "engine/formats/csv/last_record_end.hpp"
#include "engine/formats/ndjson/last_line_end.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace sluice;
using sluice::test::temporary_folder;

namespace {

struct file_in_folder {
  temporary_folder folder;
  std::string path = folder.file("a.log");

  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  [[nodiscard]] std::shared_ptr<followed_file> open() const { return *followed_file::open("a.log", path); }
};

/// What is remembered of a file that was read up to `at`.
followed_mark mark_at(const followed_file& of, std::int64_t at) {
  followed_mark made;
  made.begin = made.end = at;
  made.head_bytes = std::min(at, marked_bytes);
  made.head = *of.hash_of_head(made.head_bytes);
  made.tail = *of.hash_before(at);
  return made;
}

std::int64_t csv_end(const std::string& text, std::int64_t from, const csv::file_rules& rules = {}) {
  const file_in_folder file;
  file.write(text);
  return *csv::last_record_end(rules, *file.open(), from, std::ssize(text));
}

}  // namespace

TEST_CASE("a file is the same one under another name, and another one under the same name") {
  const file_in_folder file;
  file.write("one\n");
  const auto open = file.open();
  std::filesystem::rename(file.path, file.path + ".1");
  file.write("two\n");
  CHECK(number_at(file.path + ".1")->same_as(open->number()));
  CHECK_FALSE(number_at(file.path)->same_as(open->number()));
  CHECK_FALSE(open->look()->removed);
  std::filesystem::remove(file.path + ".1");
  CHECK(open->look()->removed);
}

TEST_CASE("a file that has only grown is as it was, one that was truncated or written again is not") {
  const file_in_folder file;
  const std::string old(1000, 'a');
  file.write(old);
  const auto open = file.open();
  const auto mark = mark_at(*open, 1000);
  CHECK(open->check(mark).ok());
  file.write(old + "more");
  CHECK(open->check(mark).ok());
  file.write("short");
  CHECK(open->check(mark).problem().code == "source_changed");
  CHECK(open->check(mark).problem().message.find("has become shorter") != std::string::npos);
  file.write(std::string(2000, 'b'));
  CHECK(open->check(mark).problem().message.find("written again") != std::string::npos);
  file.write(std::string(900, 'a') + std::string(1000, 'b'));  // only what is right before the position differs
  CHECK(open->check(mark).problem().code == "source_changed");
}

TEST_CASE("a position comes back as it was written, and a foreign one is refused") {
  followed_mark mark{
      .name = "logs/a", .number = 7, .born = 8, .begin = 1, .end = 9, .inner = 2, .inside = "x", .quiet = true};
  const auto read = followed_mark::of_position(mark.to_position());
  REQUIRE(read.ok());
  CHECK(read->name == "logs/a");
  CHECK(read->inside == "x");
  CHECK(read->end == 9);
  CHECK(read->quiet);
  CHECK_FALSE(read->removed);
  CHECK_FALSE(followed_mark::of_position("nothing of ours").ok());
}

TEST_CASE("a line of JSON is complete with its newline") {
  const file_in_folder file;
  file.write("{}\n{\"a\":");
  CHECK(*ndjson::last_line_end(*file.open(), 0, 8) == 3);
  CHECK(*ndjson::last_line_end(*file.open(), 3, 8) == 3);
  file.write(std::string(200'000, 'x') + "\n" + std::string(200'000, 'y'));
  CHECK(*ndjson::last_line_end(*file.open(), 0, 400'001) == 200'001);
}

TEST_CASE("a record of CSV is complete with its line end outside of quotes") {
  CHECK(csv_end("a,b\n1,2\n3,", 4) == 8);
  CHECK(csv_end("a,b\n1,2\n\"3\n4\n", 4) == 8);
  CHECK(csv_end("a,b\n1,\"x\ny\"\n2,", 4) == 12);
  CHECK(csv_end("a,b\n1,2\r\n3,4\r", 4) == 9);
  CHECK(csv_end("a,b\n" + std::string(900'000, 'x') + ",1\n", 4) == 900'007);
  // The header is part of what comes first; half of it is nothing.
  CHECK(csv_end("a,b\n", 0) == 4);
  CHECK(csv_end("a,b\n1,2\n3", 0) == 8);
  CHECK(csv_end("a,", 0) == 0);
  csv::file_rules several;
  several.rules.separator = ',';
  several.rules.separator_rest = " ";
  CHECK(csv_end("a, b\n1, 2\n", 5, several) == 10);
  CHECK(csv_end("a, b\n1, 2\n3,", 5, several) == 10);
}
