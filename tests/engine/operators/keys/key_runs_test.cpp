#include "engine/operators/keys/key_runs.hpp"

#include "tests/support/collector.hpp"

using namespace sluice;
using namespace sluice::testing;

namespace {

using firsts = std::vector<std::int32_t>;

firsts runs_of(const std::string& columns, const std::string& values) {
  const auto in = rows(columns, values);
  return key_runs().find(in.data->columns(), in.rows());
}

}  // namespace

TEST_CASE("a run ends where any key column changes, also to null and back") {
  CHECK(runs_of("a bigint", "[[1], [1], [1], [2], [2], [null], [null], [2]]") == firsts{0, 3, 5, 7});
  CHECK(runs_of("a bigint, b text", R"~([[1, "x"], [1, "x"], [1, "y"], [1, "y"], [2, "y"], [2, "y"]])~") ==
        firsts{0, 2, 4});
  CHECK(runs_of("b text", R"~([["ab"], ["ab"], [""], [""], [null], [null], ["a"], ["a"]])~") == firsts{0, 2, 4, 6});
  CHECK(runs_of("c boolean", "[[true], [true], [false], [false], [null], [null]]") == firsts{0, 2, 4});
  CHECK(runs_of("d decimal(40,2), e date", R"~([["1.00", 1], ["1.00", 1], ["1.01", 1], ["1.01", 2]])~") ==
        firsts{0, 2, 3});
}

TEST_CASE("texts of every length end a run where any byte of them changes") {
  for (const std::size_t length : {1, 3, 4, 7, 8, 9, 15, 16, 17, 40}) {
    const std::string text(length, 'a');
    for (std::size_t at = 0; at < length; ++at) {
      auto other = text;
      other[at] = 'b';
      REQUIRE(runs_of("b text", R"~([[")~" + text + R"~("], [")~" + text + R"~("], [")~" + other + R"~("], [")~" +
                                    other + R"~("]])~") == firsts{0, 2});
    }
  }
}

TEST_CASE("each row gets the number of its run") {
  const auto in = rows("a bigint", "[[5], [5], [6], [6], [6], [7]]");
  key_runs runs;
  REQUIRE(runs.find(in.data->columns(), in.rows()) == firsts{0, 2, 5});
  const std::vector<std::uint32_t> of_runs = {30, 10, 20};
  std::vector<std::uint32_t> of_rows(6);
  runs.spread(of_runs.data(), of_rows.data());
  CHECK(of_rows == std::vector<std::uint32_t>{30, 30, 10, 10, 10, 20});
}

TEST_CASE("no runs are given where nearly every row has a key of its own") {
  CHECK(runs_of("a bigint", "[[1], [2], [3], [4], [4]]").empty());
  std::string values = "[[0]";
  for (int i = 1; i < 1000; ++i) values += ", [" + std::to_string(i < 256 ? i : 0) + "]";
  CHECK(runs_of("a bigint", values + "]").empty());
}

TEST_CASE("an aggregate of sorted rows and one of shuffled rows have the same groups") {
  std::string sorted, shuffled;
  for (int i = 0; i < 6000; ++i) {
    const auto row = [](int n) {
      return "[" + (n % 7 == 0 ? "null" : std::to_string(n / 4)) + ", \"k" + std::to_string(n / 8) + "\", " +
             std::to_string(n) + "]";
    };
    sorted += (i > 0 ? ", " : "") + row(i);
    shuffled += (i > 0 ? ", " : "") + row(i * 2399 % 6000);
  }
  const auto lines_of = [](const std::string& values) {
    runner unit("aggregate", R"~({"by": ["a", "b"], "compute": {"n": "count(*)", "s": "sum(v)"}})~",
                "a bigint, b text, v bigint");
    unit.feed("[" + values + "]").end();
    auto all = unit.lines();
    std::sort(all.begin(), all.end());
    return all;
  };
  const auto made = lines_of(sorted);
  CHECK(made.size() == 2250);
  CHECK(made == lines_of(shuffled));
}
