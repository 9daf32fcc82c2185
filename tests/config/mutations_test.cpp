#include "tests/support/planning.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::vector<std::string> examples() {
  std::vector<std::string> texts;
  for (const auto& entry : std::filesystem::directory_iterator("config/examples")) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    texts.push_back(text.str());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// Changes a text at a few places as slips, editors and transfers do.
std::string damaged(std::string text, std::mt19937& random) {
  static const std::vector<std::string> pieces = {
      "${", "}",    "$$",  "${x:-", "{", "[",    ": ",   "\t",   "\"", "'",     "- ", "\n",   "&a ",
      "*a", "!!x ", "|\n", ">-\n ", "#", "\xff", "\xc3", "null", "? ", "---\n", ",",  "\r\n", "%"};
  const auto changes = 1 + random() % 4;
  for (std::size_t change = 0; change < changes && !text.empty(); ++change) {
    const auto at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, 1 + random() % 12);
        break;
      case 2:
        text.insert(at, pieces[random() % pieces.size()]);
        break;
      case 3:
        text.resize(at);
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 40));
        break;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("damaged pipelines are read or refused with a place, never a crash") {
  const auto texts = examples();
  REQUIRE_FALSE(texts.empty());
  std::mt19937 random(2013);
  for (const auto& text : texts)
    for (int round = 0; round < 100; ++round) {
      const auto changed = damaged(text, random);
      const auto made = read_text(changed);
      if (made.read) continue;
      INFO(changed);
      REQUIRE_FALSE(made.faults.empty());
      for (const auto& fault : made.faults) {
        INFO(fault.to_string());
        CHECK(fault.at.line > 0);
        CHECK_FALSE(fault.message.empty());
      }
    }
}
