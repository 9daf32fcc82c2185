#include "app/prose.hpp"
#include "app/console.hpp"

#include <catch2/catch.hpp>

namespace sluice::app {

TEST_CASE("lines that fit stay as they are", "[prose]") {
  CHECK(wrapped("a line\n\n  another  one\n", 20) == "a line\n\n  another  one\n");
}

TEST_CASE("long lines are broken between words and go on below their text", "[prose]") {
  CHECK(wrapped("error[x]: one two three four five\n", 20) == "error[x]: one two\n  three four five\n");
  CHECK(wrapped("loaded   one two three four\n", 21) == "loaded   one two\n         three four\n");
  CHECK(wrapped("  hint: one two three four\n", 20) == "  hint: one two\n        three four\n");
}

TEST_CASE("a path is broken behind a slash, another long word is left to the terminal", "[prose]") {
  CHECK(wrapped("to /one-folder/another-one/file.csv\n", 21) == "to /one-folder/\n  another-one/\n  file.csv\n");
  CHECK(wrapped("a 012345678901234567890123456789 b\n", 20) == "a\n  012345678901234567890123456789\n  b\n");
}

TEST_CASE("colours take no room", "[prose]") {
  const auto red = paint("one two", style::red, true);
  CHECK(wrapped(red + " three four\n", 20) == red + " three four\n");
}

TEST_CASE("names that are long stand above their help", "[prose]") {
  CHECK(two_columns({{"-a", "one two three four five six seven"}, {"--a-name-of-more-than-26-letters", "help"}}, 30,
                    false) ==
        "  -a  one two three four five\n"
        "      six seven\n"
        "  --a-name-of-more-than-26-letters\n"
        "      help\n");
}

}  // namespace sluice::app
