#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

#include <numeric>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

// Sorts rows of one column of JSON values and gives them back as text.
lines sorted(const std::string& type, const std::string& values, const std::string& entry = "v") {
  runner unit("sort", "[\"" + entry + "\"]", "v " + type);
  unit.feed(values).end();
  return unit.lines();
}

}  // namespace

TEST_CASE("every simple type sorts in its order, nulls last") {
  CHECK(sorted("bigint", "[[3], [null], [-1], [9223372036854775807], [-9223372036854775808]]") ==
        lines{"-9223372036854775808", "-1", "3", "9223372036854775807", "null"});
  CHECK(sorted("smallint", "[[300], [-300], [0]]") == lines{"-300", "0", "300"});
  CHECK(sorted("ubigint", "[[18446744073709551615], [1]]") == lines{"1", "18446744073709551615"});
  CHECK(sorted("double", "[[NaN], [1.5], [-Inf], [Inf], [-0.5], [null]]") ==
        lines{"-Infinity", "-0.5", "1.5", "Infinity", "NaN", "null"});
  CHECK(sorted("real", "[[2.5], [-2.5], [0]]") == lines{"-2.5", "0", "2.5"});
  CHECK(sorted("boolean", "[[true], [null], [false]]") == lines{"false", "true", "null"});
  CHECK(sorted("decimal(10,2)", R"~([["1.50"], ["-3.00"], ["0.07"]])~") == lines{"-3.00", "0.07", "1.50"});
  CHECK(sorted("decimal(50,2)", R"~([["1.50"], ["-3.00"], ["0.07"]])~") == lines{"-3.00", "0.07", "1.50"});
  CHECK(sorted("date", "[[1], [-1], [0]]") == lines{"1969-12-31", "1970-01-01", "1970-01-02"});
  CHECK(sorted("text", R"~([["b"], ["a"], [""], ["ab"], ["a\u0000"], ["ä"]])~") ==
        lines{"", "a", std::string("a\0", 2), "ab", "b", "ä"});
  CHECK(sorted("time", "[[5000000], [1000000]]") == lines{"00:00:01", "00:00:05"});
  CHECK(sorted("timestamptz", "[[1000000], [0]]").front() < sorted("timestamptz", "[[1000000], [0]]").back());
}

TEST_CASE("descending puts nulls first, and nulls can be put on either side") {
  CHECK(sorted("bigint", "[[1], [null], [2]]", "v desc") == lines{"null", "2", "1"});
  CHECK(sorted("bigint", "[[1], [null], [2]]", "v desc nulls last") == lines{"2", "1", "null"});
  CHECK(sorted("bigint", "[[1], [null], [2]]", "v ASC NULLS FIRST") == lines{"null", "1", "2"});
  CHECK(sorted("text", R"~([["a"], ["ab"], [""], [null]])~", "v desc") == lines{"null", "ab", "a", ""});
}

TEST_CASE("sort takes expressions and columns whose names need quotes") {
  CHECK(sorted("bigint", "[[-3], [1], [2]]", "abs(v)") == lines{"1", "2", "-3"});
  runner unit("sort", R"~(["my column desc"])~", {{"s", arrow::schema({arrow::field("my column", arrow::int64())})}});
  unit.feed("[[1], [2]]").end();
  CHECK(unit.lines() == lines{"2", "1"});
}

TEST_CASE("columns of every type go along with their rows, nulls too") {
  const std::string columns =
      "k bigint, b boolean, s smallint, i integer, d double, m decimal(10,2), w decimal(50,1), t text, y bytea, at "
      "date, "
      "z timestamptz, v interval, l bigint[], r struct(a bigint, b text)";
  const std::string one = R"~([2, true, 1, 2, 1.5, "1.50", "2.5", "one", "x", 5, 6, [1, 2, 3], [1, null], [1, "a"]])~";
  const std::string two = R"~([1, false, -1, -2, NaN, "-1.50", "-2.5", "", "yy", 7, 8, [4, 5, 6], [], [null, "b"]])~";
  const std::string none = "[3, null, null, null, null, null, null, null, null, null, null, null, null, null]";
  runner unit("sort", R"~(["k"])~", columns);
  unit.feed("[" + one + "," + none + "," + two + "]").end();
  const auto in_order = rows(columns, "[" + two + "," + one + "," + none + "]");
  CHECK(unit.lines() == lines_of(*in_order.data));
}

TEST_CASE("rows that are in order already are passed on without copying, but for short keys") {
  runner unit("sort", R"~(["k"])~", "k bigint, t text");
  const auto in = rows("k bigint, t text", R"~([[1, "one"], [2, "two"], [2, "too"]])~");
  unit.feed(in).end();
  CHECK(unit.out.ports[0][0].data->column(1)->data()->buffers[2] == in.data->column(1)->data()->buffers[2]);
}

TEST_CASE("rows with equal keys keep their order over batches") {
  runner unit("sort", R"~(["k"])~", "k bigint, n bigint");
  unit.feed("[[2, 1], [1, 2]]").feed("[[1, 3], [2, 4]]").feed("[[1, 5]]").end();
  CHECK(unit.lines() == lines{"1|2", "1|3", "1|5", "2|1", "2|4"});
}

TEST_CASE("no rows sort to no rows") {
  runner unit("sort", R"~(["k"])~", "k bigint");
  unit.feed("[]").end();
  CHECK(unit.lines().empty());
}

TEST_CASE("a row whose key has an error is rejected") {
  runner unit("sort", R"~(["10 / k"])~", "k bigint", on_error::reject);
  unit.feed("[[5], [0], [10]]").end();
  CHECK(unit.lines() == lines{"10", "5"});
  CHECK(unit.out.rejects.size() == 1);
}

TEST_CASE("sorts of many random rows equal a stable sort, cut into batches, for any batch size") {
  std::mt19937 random(5);
  struct row {
    std::string text;
    double number;
    std::int64_t n;
  };
  const std::int64_t total = GENERATE(1, 5000, 200'000);
  const std::int64_t batch_rows = total <= 5000 ? 7 : GENERATE(1'000, 100'000);
  std::vector<row> all(static_cast<std::size_t>(total));
  for (std::int64_t i = 0; i < total; ++i) {
    all[i].text = "a long common beginning " + std::to_string(random() % 40);
    all[i].number = static_cast<double>(random() % 50) / 4 - 5;
    all[i].n = i;
  }
  runner unit("sort", R"~(["text desc", "number"])~", "text text, number double, n bigint");
  for (std::int64_t begin = 0; begin < total; begin += batch_rows) {
    arrow::StringBuilder text;
    arrow::DoubleBuilder number;
    arrow::Int64Builder n;
    for (std::int64_t i = begin; i < std::min(total, begin + batch_rows); ++i) {
      REQUIRE((text.Append(all[i].text).ok() && number.Append(all[i].number).ok() && n.Append(all[i].n).ok()));
    }
    unit.feed(
        with_positions(batch_of(unit.request.inputs[0].schema,
                                {text.Finish().ValueOrDie(), number.Finish().ValueOrDie(), n.Finish().ValueOrDie()}),
                       1, begin));
  }
  unit.end();
  std::stable_sort(all.begin(), all.end(),
                   [](const row& a, const row& b) { return a.text != b.text ? a.text > b.text : a.number < b.number; });
  std::size_t at = 0;
  for (const auto& part : unit.out.ports[0]) {
    CHECK(part.rows() <= target_batch_rows);
    const auto& n = static_cast<const arrow::Int64Array&>(*part.data->column(2));
    for (std::int64_t i = 0; i < part.rows(); ++i, ++at) {
      REQUIRE(n.Value(i) == all[at].n);
      REQUIRE(position_at(*part.positions, i).offset == all[at].n);
    }
  }
  CHECK(at == all.size());
}

TEST_CASE("memory is given back at the end") {
  auto unit = std::make_unique<runner>("sort", R"~(["k"])~", "k bigint");
  unit->feed("[[1], [2]]").end();
  const auto manager = unit->context.memory;
  CHECK(manager->peak() > 0);
  unit.reset();
  CHECK(manager->reserved() == 0);
}
