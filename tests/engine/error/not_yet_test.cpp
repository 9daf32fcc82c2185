#include "engine/error/not_yet.hpp"
#include "engine/version.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <sstream>

using namespace sluice;

namespace {

/// The anchors of docs/not-yet.md: its headings of the third level, which are single words.
std::set<std::string> sections() {
  std::ifstream page("docs/not-yet.md");
  REQUIRE(page);
  std::set<std::string> found;
  for (std::string line; std::getline(page, line);)
    if (line.starts_with("### ")) found.insert(line.substr(4));
  return found;
}

}  // namespace

TEST_CASE("everything that is missing has a section, and each section is of something that is missing") {
  const auto page = sections();
  std::set<std::string> keys;
  for (const auto& one : missing_features()) {
    INFO(one.key);
    CHECK(page.contains(std::string(one.key)));
    CHECK(keys.insert(std::string(one.key)).second);
    CHECK_FALSE(one.detour.empty());
  }
  for (const auto& section : page) {
    INFO(section);
    CHECK(keys.contains(section));
  }
}

TEST_CASE("a name belongs to one missing feature") {
  std::set<std::string> names;
  for (const auto& one : missing_features()) {
    std::istringstream words{std::string(one.names)};
    for (std::string word; words >> word;) {
      INFO(word);
      CHECK(names.insert(word).second);
      CHECK(find_missing(word) != nullptr);
    }
  }
}

TEST_CASE("the hint names the version, the detour and the section") {
  CHECK(not_yet_hint("nats") == std::string("not available in ") + version() +
                                    "; until then: write the messages to NDJSON files with the system's own client, "
                                    "and read those (docs/not-yet.md#queues)");
  CHECK(not_yet_hint("lookup", "x").find("; until then: x (docs/not-yet.md#lookup)") != std::string::npos);
}
