#include "engine/secrets/mask.hpp"

#include "engine/secrets/known_secrets.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using secrets::mask;

TEST_CASE("a secret is masked wherever it stands in a text") {
  secrets::remember("mask_plain", "Vy8-kRq#12");
  CHECK(mask("Vy8-kRq#12") == "${secret:mask_plain}");
  CHECK(mask("a Vy8-kRq#12Vy8-kRq#12 b") == "a ${secret:mask_plain}${secret:mask_plain} b");
  CHECK(mask("Vy8-kRq#1") == "Vy8-kRq#1");
  CHECK(mask("Vy8-kRq#1Vy8-kRq#12") == "Vy8-kRq#1${secret:mask_plain}");
}

TEST_CASE("percent-encoded secrets are masked, encoded in whole or in part") {
  secrets::remember("mask_percent", "p/W@ord x%1");
  for (const auto* text : {"p/W@ord x%1", "p%2FW%40ord%20x%251", "p%2fW%40ord%20x%251", "p/W%40ord+x%251",
                           "%70%2F%57%40%6F%72%64%20%78%25%31"}) {
    INFO(text);
    CHECK(mask("http://u:" + std::string(text) + "@host") == "http://u:${secret:mask_percent}@host");
  }
  CHECK(mask("p%2FW%40ord%20x%2") == "p%2FW%40ord%20x%2");
  CHECK(mask("100% of a%zz + b") == "100% of a%zz + b");
}

TEST_CASE("secrets escaped as in JSON are masked") {
  const std::string value = "a\"b\\c\nd\xc3\xa9\xf0\x9f\x98\x80/";
  secrets::remember("mask_json", value);
  CHECK(mask(options(value).dump()) == "\"${secret:mask_json}\"");
  CHECK(mask(R"("a\u0022b\\c\u000ad\u00e9\ud83d\ude00\/")") == "\"${secret:mask_json}\"");
  CHECK(mask(value + "!") == "${secret:mask_json}!");
}

TEST_CASE("backslashes of the secret itself are found plain and escaped") {
  secrets::remember("mask_backslash", "\\\\nn\\tt\\\\");
  CHECK(mask("<\\\\nn\\tt\\\\>") == "<${secret:mask_backslash}>");
  CHECK(mask("<\\\\\\\\nn\\\\tt\\\\\\\\>") == "<${secret:mask_backslash}>");
}

TEST_CASE("secrets with doubled quotes are masked") {
  secrets::remember("mask_quotes", "it's \"so\"");
  CHECK(mask("select 'it''s \"so\"'") == "select '${secret:mask_quotes}'");
  CHECK(mask("select \"it's \"\"so\"\"\"") == "select \"${secret:mask_quotes}\"");
}

TEST_CASE("of two secrets of which one holds the other the longer one is found") {
  secrets::remember("mask_inner", "inner-one");
  secrets::remember("mask_outer", "the inner-one too");
  CHECK(mask("x the inner-one too, inner-one") == "x ${secret:mask_outer}, ${secret:mask_inner}");
}

TEST_CASE("short values can't be masked") {
  secrets::remember("mask_short", "qqqqq");
  CHECK(mask("qqqqq") == "qqqqq");
}

TEST_CASE("earlier values of a secret stay masked") {
  secrets::remember("mask_changing", "first-value");
  secrets::remember("mask_changing", "second-value");
  CHECK(mask("first-value second-value") == "${secret:mask_changing} ${secret:mask_changing}");
}

TEST_CASE("all texts of JSON values and errors are masked") {
  secrets::remember("mask_all", "hidden-here");
  options value = {{"a", {"hidden-here", 1, nullptr}}, {"hidden-here", {{"b", "x hidden-here"}}}};
  mask(value);
  CHECK(value.dump() == R"({"a":["${secret:mask_all}",1,null],"${secret:mask_all}":{"b":"x ${secret:mask_all}"}})");
  auto problem = user_error("x", "cannot open db://me:hidden-here@host", "is hidden-here right?");
  problem.where = "hidden-here";
  problem.path = "/hidden-here";
  problem.at.file = "hidden-here.yaml";
  mask(problem);
  CHECK(problem.message == "cannot open db://me:${secret:mask_all}@host");
  CHECK(problem.hint == "is ${secret:mask_all} right?");
  CHECK(problem.where + problem.path + problem.at.file ==
        "${secret:mask_all}/${secret:mask_all}${secret:mask_all}.yaml");
}
