#include "engine/plan/file_choice.hpp"

#include "engine/plan/content_hash.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace sluice;
using test::temporary_folder;

namespace {

input_file look(const std::string& path) {
  return {.name = path, .path = path, .size = static_cast<std::int64_t>(std::filesystem::file_size(path))};
}

file_choice choose(const std::vector<input_file>& files, const std::vector<store::file_mark>& taken,
                   file_choice_rules rules = {.appends = true}) {
  auto made = choose_new_files(files, taken, rules);
  REQUIRE(made.ok());
  return std::move(*made);
}

}  // namespace

TEST_CASE("a running hash of a file is that of each of its begins, whatever is read at once") {
  const temporary_folder folder;
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + "\n";
  const auto path = folder.write("a", text);
  const auto hashes = hash_up_to(look(path), {0, 1, 1'048'576, 1'048'577, 2'999'999, 2'999'999});
  REQUIRE(hashes.ok());
  for (const auto& [index, size] : {std::pair{0, 0}, {1, 1}, {2, 1'048'576}, {3, 1'048'577}, {4, 2'999'999}}) {
    const auto alone = folder.write("b", text.substr(0, static_cast<std::size_t>(size)));
    CHECK(hash_up_to(look(alone), {size}).value()[0] == hashes.value()[static_cast<std::size_t>(index)]);
  }
  CHECK(hashes.value()[4] == hashes.value()[5]);
  // XXH3-128 of nothing, as its own tools print it.
  CHECK(hashes.value()[0] == "99aa06d3014798d86001c324468d497f");
  CHECK(hash_up_to({.name = "a", .path = path, .size = 5}, {4'000'000}).problem().code == "source_changed");
}

TEST_CASE("a file that was written a moment ago is compared byte by byte the next time") {
  const temporary_folder folder;
  const auto path = folder.write("a", "1\n2\n");
  const auto first = choose({look(path)}, {});
  CHECK(first.fresh == 1);
  REQUIRE(first.marks.size() == 1);
  auto mark = first.marks[0];
  CHECK(mark.tail.empty());
  CHECK(choose({look(path)}, {mark}).known == 1);
  // As if it had been written again within one tick of the clock: everything but its bytes is the same.
  mark.head = std::string(hash_digits, '0');
  const auto again = choose_new_files({look(path)}, {mark}, {.appends = true});
  REQUIRE_FALSE(again.ok());
  CHECK(again.problem().code == "file_changed");
}

TEST_CASE("what an older version has taken without a hash is known by its time alone") {
  const temporary_folder folder;
  const auto path = folder.write("a", "1\n2\n");
  auto mark = choose({look(path)}, {}).marks[0];
  mark.head = "0123456789abcdef";
  const auto same = choose({look(path)}, {mark});
  CHECK(same.known == 1);
  REQUIRE(same.marks.size() == 1);
  CHECK(same.marks[0].head.size() == hash_digits);  // from now on it has one
  mark.modified -= 1;
  CHECK(choose_new_files({look(path)}, {mark}, {}).problem().message.find("no hash") != std::string::npos);
}

TEST_CASE("who does not remember does not read") {
  const temporary_folder folder;
  const auto path = folder.write("a", "1\n2\n");
  const auto made = choose({look(path)}, {}, {.appends = true, .read_changed = false, .remembers = false, .reset = {}});
  CHECK(made.fresh == 1);
  CHECK(made.marks[0].head.empty());
}
