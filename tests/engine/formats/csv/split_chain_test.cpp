#include "engine/formats/csv/split_chain.hpp"

#include "tests/support/temporary_folder.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace sluice;

namespace {

/// Records of very different length, some with line ends inside quotes, and where they start.
struct long_file {
  explicit long_file(std::size_t bytes) {
    std::mt19937 random(4);
    while (text.size() < bytes) {
      starts.push_back(static_cast<std::int64_t>(text.size()));
      text += std::string(random() % 40, 'a');
      if (random() % 3 == 0) text += ",\"" + std::string(random() % 3000, 'b') + "\nno,record,of its own\n\"";
      text += '\n';
    }
    path = folder.write("long.csv", text);
  }
  [[nodiscard]] input_file input() const {
    return {.name = "long.csv", .path = path, .size = static_cast<std::int64_t>(text.size())};
  }
  /// The first record at or behind a byte.
  [[nodiscard]] std::int64_t start_behind(std::int64_t at) const {
    const auto found = std::lower_bound(starts.begin(), starts.end(), at);
    return found == starts.end() ? static_cast<std::int64_t>(text.size()) : *found;
  }

  test::temporary_folder folder;
  std::string path;
  std::string text;
  std::vector<std::int64_t> starts;
};

}  // namespace

TEST_CASE("every split's start is found, wherever the search's blocks end and whatever was reported") {
  const long_file file(3'000'000);
  const std::int64_t split_bytes = GENERATE(1'000, 65'536, 524'287, 524'288, 1'000'000);
  const bool reported = GENERATE(false, true);
  csv::split_chain chain(file.input(), {}, 0, split_bytes);
  const auto splits = (std::ssize(file.text) + split_bytes - 1) / split_bytes;
  for (std::int64_t split = 0; split < splits; ++split) {
    const auto start = file.start_behind(split * split_bytes);
    REQUIRE(chain.find_start(static_cast<std::size_t>(split)).value() == start);
    if (!reported) continue;
    const auto half = file.start_behind(start + split_bytes / 2);
    if (half < (split + 1) * split_bytes) chain.report_so_far(static_cast<std::size_t>(split), start, half);
  }
}

TEST_CASE("reports from a start that proves wrong are not believed") {
  const long_file file(100'000);
  csv::split_chain chain(file.input(), {}, 0, 10'000);
  const auto start = file.start_behind(10'000);
  chain.report_so_far(1, start + 1, 15'000);
  chain.report(2, 20'000, 30'000);
  CHECK(!chain.known_start(1));
  CHECK(chain.find_start(2).value() == file.start_behind(20'000));
  CHECK(chain.find_start(3).value() == file.start_behind(30'000));
  chain.report(3, file.start_behind(30'000), file.start_behind(40'000));
  CHECK(chain.known_start(4) == file.start_behind(40'000));
}
