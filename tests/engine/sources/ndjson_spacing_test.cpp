#include "tests/support/components.hpp"
#include "tests/support/temporary_folder.hpp"

#include "engine/values/value_text.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <random>

using namespace sluice;
using namespace sluice::test;

namespace {

const component& ndjson() { return *find_component(component_kind::source, "ndjson"); }

/// How a program writes what stands between the values of an object.
struct spacing {
  std::string behind_comma, behind_colon, before_comma;
};
const std::vector<spacing> all_spacings = {{"", "", ""}, {" ", " ", ""}, {"", " ", ""}, {"\t ", "  ", " "}};

std::string record(int number, const spacing& how, const std::vector<std::string>& keys) {
  std::string text = "{";
  for (const auto& key : keys) {
    if (text.size() > 1) text += how.before_comma + "," + how.behind_comma;
    text += '"' + key + "\":" + how.behind_colon;
    text += key == "name" ? "\"n" + std::to_string(number) + "\"" : std::to_string(number * 10 + int(key.size()));
  }
  return text + "}\n";
}

read_result read(const std::string& text, const options& own = {{"path", "t.ndjson"}}) {
  const temporary_folder folder;
  const auto context = make_context(folder.path().string());
  (void)folder.write("t.ndjson", text);
  source_request request;
  request.unit = "in";
  request.own = own;
  request.context = &context;
  return must_read(ndjson(), request);
}

}  // namespace

TEST_CASE("records are read alike however their keys are spaced and ordered, also where that changes") {
  std::vector<std::string> keys = {"id", "name", "a_key_of_more_than_thirty_two_bytes", "k", "last"};
  std::mt19937 random(5);
  std::string text;
  for (int number = 0; number < 2000; ++number) {
    // Long stretches of one form, then others record by record.
    const auto form = number < 1000 ? static_cast<std::size_t>(number / 250) : random() % 4;
    if (number % 100 == 99) std::shuffle(keys.begin(), keys.end(), random);
    text += record(number, all_spacings[form], keys);
  }
  const auto all = read(text);
  CHECK(all.rejected.empty());
  REQUIRE(all.table->num_rows() == 2000);
  const auto whole = all.table->CombineChunks().ValueOrDie();
  for (const auto& key : keys) {
    const auto values = whole->GetColumnByName(key)->chunk(0);
    for (int number = 0; number < 2000; ++number) {
      const auto wanted = key == "name" ? "n" + std::to_string(number) : std::to_string(number * 10 + int(key.size()));
      REQUIRE(value_text(*values, number) == wanted);
    }
  }
}

TEST_CASE("a key that comes twice is found in every spacing, next to itself and apart") {
  for (const auto& how : all_spacings) {
    std::string text;
    for (int number = 0; number < 10; ++number) text += record(number, how, {"id", "name", "k"});
    text += record(10, how, {"id", "id", "name", "k"});
    text += record(11, how, {"id", "name", "k", "id"});
    text += record(12, how, {"id", "name", "k", "k"});
    text += record(13, how, {"id", "name", "k"});
    const auto all = read(text);
    REQUIRE(all.rejected.size() == 3);
    for (const auto& one : all.rejected) CHECK(one.code == "duplicate_key");
    CHECK(all.table->num_rows() == 11);
  }
}
