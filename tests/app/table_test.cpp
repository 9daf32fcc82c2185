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
  CHECK(text.find("gate") == std::string::npos);
  CHECK(text.find("not shown, for\n  lack of room:\n  remark\n") != std::string::npos);
  CHECK(widest(text) <= 16);
}

TEST_CASE("a table leaves out columns of a higher rank first, and keeps the others readable", "[table]") {
  table made({{.title = "run"},
              {.title = "took", .rank = 2},
              {.title = "read", .rank = 1},
              {.title = "cause", .shrink_to = 8}});
  made.add({{"0123"}, {"0.1 s"}, {"1,000"}, {"the disk is full"}});
  CHECK(made.render(33, false, false).find("took") != std::string::npos);
  const auto text = made.render(24, false, false);
  CHECK(text ==
        "run   read   cause\n"
        "----  -----  -----------\n"
        "0123  1,000  the disk i.\n"
        "not shown, for lack of\n"
        "  room: took\n");
}

TEST_CASE("a cell that wraps goes on in further lines, a word that is too wide too", "[table]") {
  table made({{.title = "type"}, {.title = "what", .shrink_to = 10, .wraps = true}});
  made.add({{"a"}, {"rows are written to /very-long-name"}});
  made.add({{"b"}, {"short"}});
  CHECK(made.render(16, false, false) ==
        "type  what\n"
        "----  ----------\n"
        "a     rows are\n"
        "        written\n"
        "        to /\n"
        "        very-lon\n"
        "      g-name\n"
        "b     short\n");
}

TEST_CASE("a table has colours only where asked", "[table]") {
  CHECK(flights().render(80, false, true).find('\x1b') == std::string::npos);
  CHECK(flights().render(80, true, true).find('\x1b') != std::string::npos);
}

}  // namespace sluice::app
