#include "tests/fuzz/targets.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace sluice;

namespace {

/// Runs a target over its kept inputs, each in the fuzzers' way: a broken promise ends the process.
std::size_t replay(const std::string& target, void (*run)(const std::uint8_t*, std::size_t)) {
  std::vector<std::filesystem::path> inputs;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/" + target))
    inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  for (const auto& path : inputs) {
    INFO(path.string());
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  return inputs.size();
}

}  // namespace

TEST_CASE("the fuzzers' corpora break no promise") {
  CHECK(replay("csv_reader", fuzz::csv_reader) > 20);
  CHECK(replay("ndjson_reader", fuzz::ndjson_reader) > 20);
  CHECK(replay("expression_parser", fuzz::expression_parser) > 20);
  CHECK(replay("wire_decoder", fuzz::wire_decoder) > 5);
}
