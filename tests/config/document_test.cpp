#include "config/document.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::config;

namespace {

std::shared_ptr<document> parsed(const std::string& text) {
  diagnostics faults;
  auto made = document::parse(text, "p.yaml", faults);
  made->fill("", {[](const std::string& name) -> std::optional<std::string> {
               if (name == "LONG") return "a value that is long";
               return "x";
             }},
             faults);
  REQUIRE(faults.empty());
  return made;
}

std::string place(const location& at) { return std::to_string(at.line) + ":" + std::to_string(at.column); }

/// The fault of a text that is no sound YAML.
std::string fault_of(const std::string& text) {
  diagnostics faults;
  auto made = document::parse(text, "p.yaml", faults);
  if (faults.empty()) made->fill("", {[](const std::string&) { return std::string(); }}, faults);
  REQUIRE(faults.size() >= 1);
  return faults[0].code + " " + place(faults[0].at);
}

std::string hint_of(const std::string& text) {
  diagnostics faults;
  auto made = document::parse(text, "p.yaml", faults);
  if (faults.empty()) made->fill("", {[](const std::string&) { return std::string(); }}, faults);
  REQUIRE(faults.size() >= 1);
  return faults[0].hint;
}

}  // namespace

TEST_CASE("a pointer finds a value, the key of a map and its nearest parent") {
  const auto made = parsed("transform:\n  paid:\n    derive: { a: \"1 + x\", \"b/c\": y }\n    list: [u, v]\n");
  CHECK(place(made->locate("/transform/paid/derive/a")) == "3:18");
  CHECK(place(made->locate("/transform/paid/derive/a", 4)) == "3:23");
  CHECK(place(made->locate("/transform/paid/derive/b~1c")) == "3:34");
  CHECK(place(made->locate("/transform/paid/derive")) == "3:5");
  CHECK(place(made->locate("/transform/paid/list/1")) == "4:15");
  CHECK(place(made->locate("/transform/paid/mode")) == "2:3");
  CHECK(place(made->locate("/nothing")) == "1:1");
}

TEST_CASE("a text that stands for a list of one is found by index") {
  const auto made = parsed("from: orders\n");
  CHECK(place(made->locate("/from/0", 2)) == "1:9");
}

TEST_CASE("offsets are found behind quotes, escapes, blocks and folds") {
  CHECK(place(parsed("a: \"x\\ty z\"")->locate("/a", 4)) == "1:10");        // z
  CHECK(place(parsed("a: 'it''s z'")->locate("/a", 5)) == "1:11");          // z
  CHECK(place(parsed("a: |\n  one\n  two\n")->locate("/a", 5)) == "3:4");   // w
  CHECK(place(parsed("a: >-\n  one\n  two\n")->locate("/a", 4)) == "3:3");  // t
  CHECK(place(parsed("a: one\n  two\n")->locate("/a", 4)) == "2:3");        // t
  CHECK(place(parsed("a: !!str \"x y\"\n")->locate("/a", 2)) == "1:13");    // y
  CHECK(place(parsed("a: |\r\n  one\r\n  two\r\n")->locate("/a", 4)) == "3:3");
  CHECK(place(parsed("a: \"\xc3\xa4 z\"")->locate("/a", 3)) == "1:7");  // columns count characters
}

TEST_CASE("an offset behind a reference counts what was filled in") {
  const auto made = parsed("a: \"${LONG} = z\"\n");
  CHECK(place(made->locate("/a", 3)) == "1:5");    // inside the value
  CHECK(place(made->locate("/a", 23)) == "1:15");  // z
}

TEST_CASE("duplicate keys are errors at the second") {
  CHECK(fault_of("a: 1\nb: 2\na: 3\n") == "duplicate_key 3:1");
  CHECK(fault_of("a: { x: 1, x: 2 }\n") == "duplicate_key 1:12");
}

TEST_CASE("an unquoted expression in braces is told to be quoted") {
  const std::string text = "derive: { a: coalesce(x, y), b: z }\n";
  CHECK(fault_of(text) == "unquoted_expression 1:14");
  CHECK(hint_of(text) == "quote this expression: \"coalesce(x, y)\"");
  CHECK(fault_of("select: [a, coalesce(x, y)]\n") == "unquoted_expression 1:13");
  CHECK(hint_of("types: { a: decimal(12,2) }\n") == "quote this expression: \"decimal(12,2)\"");
  CHECK(hint_of("a: { b: round(f(x, y), 2) + 1, c: d }\n") == "quote this expression: \"round(f(x, y), 2) + 1\"");
}

TEST_CASE("wrong YAML names its place and what to do") {
  CHECK(fault_of("a:\n\tb: 1\n") == "invalid_yaml 2:1");
  CHECK(hint_of("a:\n\tb: 1\n") == "indent with spaces");
  CHECK(fault_of("a: b: c\n") == "invalid_yaml 1:5");
  CHECK(hint_of("a: b: c\n").find("must be quoted") != std::string::npos);
  CHECK(fault_of("a: { b: 1\n").substr(0, 12) == "invalid_yaml");
  CHECK(fault_of("a: 'x' = y\n").substr(0, 12) == "invalid_yaml");
  CHECK(fault_of("- a\n- b\n") == "invalid_yaml 1:1");
  CHECK(fault_of("").substr(0, 12) == "invalid_yaml");
  CHECK(fault_of("a: 1\n---\nb: 2\n") == "invalid_yaml 3:1");
  CHECK(fault_of("a: \xff\n") == "invalid_yaml 1:4");
  CHECK(fault_of(std::string("a: 1\nb\0c", 8)) == "invalid_yaml 2:2");
  CHECK(fault_of("? [a, b]\n: c\n") == "invalid_yaml 1:3");
}

TEST_CASE("aliases that grow without bound are refused") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int at = 1; at < 12; ++at) {
    const auto before = "*a" + std::to_string(at - 1);
    text += "a" + std::to_string(at) + ": &a" + std::to_string(at) + " [" + before;
    for (int copy = 0; copy < 9; ++copy) text += ", " + before;
    text += "]\n";
  }
  CHECK(fault_of(text).substr(0, 12) == "invalid_yaml");
}

TEST_CASE("deep nesting is refused, not followed") {
  CHECK(fault_of("a: " + std::string(100'000, '[')).substr(0, 12) == "invalid_yaml");
}

TEST_CASE("a byte order mark is skipped") {
  const auto made = parsed(
      "\xef\xbb\xbf"
      "a: b\n");
  CHECK(place(made->locate("/a")) == "1:4");
}
