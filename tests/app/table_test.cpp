#include "app/table.hpp"
#include "app/text.hpp"

#include <catch2/catch.hpp>

#include <sstream>

namespace sluice::app {

namespace {

table flights() {
  table made({{.title = "carrier", .note = "text", .shrink_to = 4},
              {.title = "delay", .note = "bigint", .right = true},
              {.title = "remark", .note = "text", .shrink_to = 6}});
  made.add({{"UA"}, {"1,545"}, {"left the gate after a long wait"}});
  made.add({{"AA"}, {"-2"}, {""}});
  return made;
}

int widest(const std::string& text) {
  std::istringstream lines(text);
  int width = 0;
  for (std::string line; std::getline(lines, line);) width = std::max(width, display_width(line));
  return width;
}

}  // namespace

TEST_CASE("a table lines up its columns", "[table]") {
  CHECK(flights().render(1000, false, false) ==
        "carrier   delay  remark\n"
        "text     bigint  text\n"
        "-------  ------  -------------------------------\n"
        "UA        1,545  left the gate after a long wait\n"
        "AA           -2\n");
}

TEST_CASE("a table shortens long columns where the terminal is narrow", "[table]") {
  const auto text = flights().render(30, false, true);
  CHECK(widest(text) == 30);
  CHECK(text.find("left the gat…") != std::string::npos);
  CHECK(text.find("1,545") != std::string::npos);
}

TEST_CASE("a table says which columns it left out", "[table]") {
  const auto text = flights().render(16, false, true);
  CHECK(text.find("remark") == std::string::npos);
  CHECK(text.find("+ 1 column that does not fit") != std::string::npos);
}

TEST_CASE("a table has colours only where asked", "[table]") {
  CHECK(flights().render(80, false, true).find('\x1b') == std::string::npos);
  CHECK(flights().render(80, true, true).find('\x1b') != std::string::npos);
}

}  // namespace sluice::app
