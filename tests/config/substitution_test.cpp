#include "tests/support/planning.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// A pipeline with this description, whose value the tests look at.
std::string described(const std::string& description) {
  return "pipeline: p\nparams: { day: { type: date, default: 2024-05-01 } }\ndescription: " + description +
         "\nextract: { rows: { generate: { rows: 1, columns: { n: sequence } } } }\n"
         "load: { out: { from: rows, blackhole: {} } }\n";
}

std::string description_of(const std::string& description, std::map<std::string, std::string> environment = {}) {
  const auto made = read_text(described(description), reading_with(std::move(environment)));
  INFO(made.shown);
  REQUIRE(made.read);
  return made.read->description;
}

}  // namespace

TEST_CASE("a reference is a param, else the environment, else its default") {
  CHECK(description_of("on ${day}", {{"day", "never"}}) == "on 2024-05-01");
  CHECK(description_of("in ${IN}/x", {{"IN", "/data"}}) == "in /data/x");
  CHECK(description_of("in ${IN:-/tmp}/x") == "in /tmp/x");
  CHECK(description_of("in ${IN:-}x") == "in x");
  CHECK(description_of("${A:-${B:-deep}}") == "deep");
  CHECK(description_of("${A}${B}", {{"A", "1"}, {"B", "2"}}) == "12");
}

TEST_CASE("two dollars are one, a lone dollar stays") {
  CHECK(description_of("costs 5$$") == "costs 5$");
  CHECK(description_of("'$${day}'") == "${day}");
  CHECK(description_of("day = $day") == "day = $day");
}

TEST_CASE("a value can't inject structure into the YAML") {
  CHECK(description_of("${X}", {{"X", "a: b, [c] # d\nowner: me"}}) == "a: b, [c] # d\nowner: me");
  CHECK(description_of("\"${X}\"", {{"X", "quote \" and \\n"}}) == "quote \" and \\n");
  CHECK(description_of("${X:-a, b: c}") == "a, b: c");
  const auto made = read_text(
      "pipeline: p\nextract: { rows: { generate: { rows: ${N}, columns: { ${C}: sequence } } } }\n"
      "load: { out: { from: rows, blackhole: {} } }\n",
      reading_with({{"N", "5"}, {"C", "a, b"}}));
  INFO(made.shown);
  REQUIRE(made.read);
  CHECK(made.read->units[0].own["rows"] == 5);
  CHECK(made.read->units[0].own["columns"].contains("a, b"));
}

TEST_CASE("references in comments are not looked at") { CHECK(description_of("x # ${NOT_SET} and ${") == "x"); }

TEST_CASE("an unset reference is an error at its own column") {
  const auto made = read_text(described("some \xc3\xa4 text ${NOT_SET} here"));
  CHECK(made.has("unset_variable 3:26"));
  CHECK(made.shown.find("give a default: ${NOT_SET:-default}") != std::string::npos);
}

TEST_CASE("what is no reference is refused") {
  CHECK(read_text(described("a ${no name} b")).has("invalid_substitution 3:16"));
  CHECK(read_text(described("a ${open b")).has("invalid_substitution 3:14"));
  CHECK(read_text(described("${secret:a b}")).has("invalid_substitution 3:14"));
}

namespace {

/// A pipeline whose sink has the path `path`; `more` comes before the units.
std::string with_path(const std::string& path, const std::string& more = {}) {
  return "pipeline: p\n" + more +
         "\nextract: { rows: { generate: { rows: 1, columns: { n: sequence } } } }\n"
         "load: { out: { from: rows, csv: { path: \"" +
         path + "\" } } }\n";
}

}  // namespace

TEST_CASE("a secret stays a reference and can't come from a value") {
  const auto kept = read_text(with_path("${secret:db_url}"), reading_with({{"SLUICE_SECRET_DB_URL", "hidden"}}));
  REQUIRE(kept.faults.empty());
  CHECK(kept.read->units[1].own["path"] == "${secret:db_url}");
  CHECK(read_text(described("${X}"), reading_with({{"X", "${secret:db_url}"}})).has("invalid_substitution 3:14"));
  CHECK(read_text(described("$${secret:db_url}")).has("invalid_substitution 3:14"));
  const auto pasted = read_text(with_path("${SLUICE_SECRET_X}"), reading_with({{"SLUICE_SECRET_X", "hidden"}}));
  CHECK(pasted.has("invalid_substitution 4:42"));
  CHECK(pasted.shown.find("write ${secret:X}") != std::string::npos);
}

TEST_CASE("a param may hold a secret by its default only") {
  const std::string params = "params: { p: { type: text, default: \"${secret:x}/in\" } }";
  const auto made = read_text(with_path("${p}/a.csv", params));
  INFO(made.shown);
  REQUIRE(made.faults.empty());
  CHECK(made.read->units[1].own["path"] == "${secret:x}/in/a.csv");
  CHECK(made.read->params.at("p") == nullptr);
  CHECK(read_text(with_path("${p}", params), reading_with({}, {{"p", "${secret:y}"}})).has("invalid_param 2:11"));
  CHECK(read_text(with_path("a", "params: { p: { type: date, default: \"${secret:x}\" } }")).has("invalid_param 2:37"));
}

TEST_CASE("a secret is refused where its value would be shown") {
  const auto in = [](const std::string& unit) {
    return read_text(
        "pipeline: p\nextract:\n  a: { generate: { rows: 1, columns: { n: sequence } } }\ntransform:\n  b: { from: "
        "a, " +
        unit + " }\nload:\n  o: { from: b, blackhole: {} }\n");
  };
  CHECK(in("filter: \"n = ${secret:x}\"").has("secret_not_allowed 5:30"));
  CHECK(in("derive: { k: \"'${secret:x}'\" }").has("secret_not_allowed 5:32"));
  CHECK(in("steps: [{ filter: \"n > 1\" }, { rename: { n: \"${secret:x}\" } }]").has("secret_not_allowed 5:62"));
  CHECK(read_text(described("${secret:x}")).has("secret_not_allowed 3:14"));
}

TEST_CASE("columns behind a reference are those of the file") {
  const auto made =
      read_text("pipeline: ok\nextract: { rows: { generate: { path: ${IN:-a very long default}, rowz: 1 } } }\n");
  INFO(made.shown);
  CHECK(made.has("unknown_key 2:66"));
}

TEST_CASE("an env reference may have a param's default as value") {
  const auto made = read_text(
      "pipeline: p\nparams: { dir: { type: text, default: \"${HOME}/in\" } }\ndescription: ${dir}\n"
      "extract: { rows: { generate: { rows: 1, columns: { n: sequence } } } }\n"
      "load: { out: { from: rows, blackhole: {} } }\n",
      reading_with({{"HOME", "/home/me"}}));
  INFO(made.shown);
  REQUIRE(made.read);
  CHECK(made.read->description == "/home/me/in");
}
