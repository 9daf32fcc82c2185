#include "app/arguments.hpp"

#include <catch2/catch.hpp>

namespace sluice::app {

namespace {

struct parsed {
  std::string file;
  std::vector<std::string> set;
  std::int64_t rows = 10;
  std::string format;
  bool strict = false;
  status outcome;
};

parsed parse_words(const std::vector<std::string>& words) {
  parsed into;
  arguments takes;
  takes.positionals = {{.name = "FILE", .help = "the pipeline", .target = &into.file}};
  takes.options = {
      {.names = {"--set"}, .value = "NAME=VALUE", .help = "", .target = &into.set},
      {.names = {"--rows", "-n"}, .value = "N", .help = "", .target = &into.rows},
      {.names = {"--format"}, .value = "F", .help = "", .target = &into.format, .choices = {"csv", "ndjson"}},
      {.names = {"--strict"}, .value = {}, .help = "", .target = &into.strict},
  };
  into.outcome = parse("run", takes, words);
  return into;
}

}  // namespace

TEST_CASE("options may stand before and after the file", "[arguments]") {
  const auto got = parse_words({"--set", "a=1", "p.yaml", "-n", "5", "--set=b=x y", "--strict"});
  REQUIRE(got.outcome.ok());
  CHECK(got.file == "p.yaml");
  CHECK(got.set == std::vector<std::string>{"a=1", "b=x y"});
  CHECK(got.rows == 5);
  CHECK(got.strict);
}

TEST_CASE("what can't be used is explained", "[arguments]") {
  const auto complaint = [](const std::vector<std::string>& words) {
    const auto got = parse_words(words);
    REQUIRE_FALSE(got.outcome.ok());
    const auto& problem = got.outcome.problem();
    CHECK(problem.code == "bad_arguments");
    CHECK(problem.to_blame == blame::user);
    return problem.message + " | " + problem.hint;
  };
  CHECK(complaint({"p.yaml", "--strikt"}) == "sluice run has no option --strikt | did you mean --strict?");
  CHECK(complaint({"p.yaml", "--rows", "ten"}).find("--rows must be a whole number, found 'ten'") == 0);
  CHECK(complaint({"p.yaml", "--rows"}).find("--rows needs a value: --rows N") == 0);
  CHECK(complaint({"p.yaml", "--format", "cvs"}) ==
        "--format must be one of csv, ndjson, found 'cvs' | did you mean csv?");
  CHECK(complaint({}).find("sluice run needs FILE") == 0);
  CHECK(complaint({"p.yaml", "q.yaml"}).find("unexpected argument 'q.yaml'") == 0);
}

}  // namespace sluice::app
