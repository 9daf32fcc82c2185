#include "engine/operators/keys/key_hash.hpp"
#include "tests/engine/transforms/join_inputs.hpp"
#include "tests/support/collector.hpp"

#include <arrow/compute/cast.h>

#include <algorithm>
#include <random>
#include <set>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::string part(const std::string& line, int index) {
  std::size_t begin = 0;
  for (; index > 0; --index) begin = line.find('|', begin) + 1;
  return line.substr(begin, line.find('|', begin) - begin);
}

/// The answer of a join of (k, t, l) and (u, j, r) on k = j and t = u and, if wanted, l <> r, by a nested loop.
lines nested_loop(const std::string& how, bool condition, const lines& left, const lines& right) {
  lines made;
  std::set<std::string> matched;
  for (const auto& a : left) {
    int count = 0;
    for (const auto& b : right) {
      const bool equal = part(a, 0) != "null" && part(a, 0) == part(b, 1) && part(a, 1) == part(b, 0);
      const bool meets = !condition || part(a, 2).back() != part(b, 2).back();
      if (how != "cross" && !(equal && meets)) continue;
      ++count;
      matched.insert(b);
      if (how != "semi" && how != "anti") made.push_back(a + "|" + b);
    }
    if (count > 0 ? how == "semi" : how == "anti") made.push_back(a);
    if (count == 0 && (how == "left" || how == "full")) made.push_back(a + "|null|null|null");
  }
  if (how == "right" || how == "full")
    for (const auto& b : right)
      if (!matched.contains(b)) made.push_back("null|null|null|" + b);
  return made;
}

batch random_rows(int side, int count, int keys, const std::shared_ptr<arrow::Schema>& schema, std::mt19937& random) {
  arrow::StringBuilder k, t;
  arrow::Int64Builder n;
  for (int i = 0; i < count; ++i) {
    const auto key = std::to_string(random() % static_cast<unsigned>(keys));
    const bool fine = (random() % 20 == 0 ? k.AppendNull() : k.Append(key)).ok() &&
                      t.Append("t" + std::to_string(random() % 3)).ok() && n.Append(i).ok();
    REQUIRE(fine);
  }
  const int at = side == 0 ? 0 : 1;
  const auto numbers = n.Finish().ValueOrDie(), texts = t.Finish().ValueOrDie();
  const auto cast = arrow::compute::Cast(*k.Finish().ValueOrDie(), schema->field(at)->type()).ValueOrDie();
  return side == 0 ? batch_of(schema, {cast, texts, numbers}) : batch_of(schema, {texts, cast, numbers});
}

}  // namespace

TEST_CASE("a join that makes many rows of few gives them in batches") {
  runner unit("join", R"~({"using": ["k"]})~", inputs("k bigint, l bigint", "k bigint, r bigint"));
  arrow::Int64Builder k, r;
  for (int i = 0; i < 1000; ++i) REQUIRE((k.Append(1).ok() && r.Append(i).ok()));
  const auto ones = k.Finish().ValueOrDie(), counted = r.Finish().ValueOrDie();
  unit.feed(batch_of(unit.request.inputs[1].schema, {ones, counted}), 1).end(1);
  unit.feed(batch_of(unit.request.inputs[0].schema, {ones->Slice(0, 200), counted->Slice(0, 200)}), 0).end();
  CHECK(unit.out.out == 200'000);
  CHECK(unit.out.added == 199'800);
  std::int64_t at = 0;
  for (const auto& part : unit.out.ports[0]) {
    CHECK(part.rows() <= target_batch_rows);
    const auto& left = static_cast<const arrow::Int64Array&>(*part.data->column(1));
    const auto& right = static_cast<const arrow::Int64Array&>(*part.data->column(2));
    for (std::int64_t i = 0; i < part.rows(); ++i, ++at)
      REQUIRE((left.Value(i) == at / 1000 && right.Value(i) == at % 1000));
  }
}

TEST_CASE("joins of every kind equal a nested loop over random rows, alone and as instances that own key groups") {
  std::mt19937 random(3);
  const std::string how = GENERATE(as<std::string>{}, "inner", "left", "right", "full", "semi", "anti", "cross");
  const bool condition = GENERATE(false, true);
  const std::string kind = GENERATE(as<std::string>{}, "bigint", "text", "decimal(20,0)");
  if (how == "cross" && condition) return;
  INFO(how << " of " << kind << (condition ? " with a condition" : ""));
  const auto from = inputs("k " + kind + ", t text, l bigint", "u text, j " + kind + ", r bigint");
  const auto left = random_rows(0, 300, 50, from[0].schema, random),
             right = random_rows(1, 120, 50, from[1].schema, random);
  auto expected = nested_loop(how, condition, lines_of(*left.data), lines_of(*right.data));
  const auto own =
      R"~({"how": ")~" + how + '"' +
      (how == "cross" ? ""
                      : R"~(, "on": "k = j and t = u)~" + std::string(condition ? " and l % 10 <> r % 10" : "") + '"') +
      "}";
  runner alone("join", own, from);
  for (int begin = 0; begin < 120; begin += 90) alone.feed(right.slice(begin, std::min(90, 120 - begin)), 1);
  for (int begin = 0; begin < 300; begin += 130) alone.feed(left.slice(begin, std::min(130, 300 - begin)), 0);
  alone.end();
  auto made = alone.lines();
  if (!alone.unit().keeps_order()) {
    std::sort(made.begin(), made.end());
    std::sort(expected.begin(), expected.end());
  }
  CHECK(made == expected);

  const auto spread_left = alone.unit().input_partitioning(0), spread_right = alone.unit().input_partitioning(1);
  if (spread_left.how == partitioning::kind::single) return;
  lines together;
  const auto lefts = must(flow::partition_by_keys(left, spread_left.keys, spread_left.key_types, 4));
  const auto rights = must(flow::partition_by_keys(right, spread_right.keys, spread_right.key_types, 4));
  for (std::size_t i = 0; i < 4; ++i) {
    runner instance("join", own, from);
    instance.feed(lefts[i], 0).feed(rights[i], 1).end();
    for (auto& line : instance.lines()) together.push_back(std::move(line));
  }
  std::sort(together.begin(), together.end());
  std::sort(expected.begin(), expected.end());
  CHECK(together == expected);
}

TEST_CASE("keys far apart, close together, and in many blocks are found alike") {
  const auto spread = GENERATE(std::int64_t{1}, std::int64_t{3}, std::int64_t{1'000'003});
  constexpr std::int64_t count = 200'000;
  INFO("spread " << spread);
  arrow::Int64Builder k, r;
  for (std::int64_t i = 0; i < count; ++i) REQUIRE((k.Append((i % 150'000 - 1000) * spread).ok() && r.Append(i).ok()));
  const auto from = inputs("k bigint", "k bigint, r bigint");
  const auto right = batch_of(from[1].schema, {k.Finish().ValueOrDie(), r.Finish().ValueOrDie()});
  runner unit("join", R"~({"how": "left", "using": ["k"]})~", from);
  for (std::int64_t begin = 0; begin < count; begin += 40'000) unit.feed(right.slice(begin, 40'000), 1);
  unit.end(1);
  arrow::Int64Builder probe;
  for (std::int64_t i = -1002; i < 149'002; ++i) REQUIRE(probe.Append(i * spread).ok());
  unit.feed(batch_of(from[0].schema, {probe.Finish().ValueOrDie()}), 0).end();
  CHECK(unit.out.out == 4 + 200'000);
  std::int64_t i = -1002, before = -1;
  for (const auto& piece : unit.out.ports[0]) {
    const auto& key = static_cast<const arrow::Int64Array&>(*piece.data->column(0));
    const auto& row = static_cast<const arrow::Int64Array&>(*piece.data->column(1));
    for (std::int64_t at = 0; at < piece.rows(); ++at) {
      if (before >= 0 && before + 150'000 < count && row.IsValid(at) && row.Value(at) == before + 150'000) {
        REQUIRE(key.Value(at) == (i - 1) * spread);  // the second row of the same key
        before = -1;
        continue;
      }
      const bool there = i >= -1000 && i < 149'000;
      before = row.IsValid(at) ? row.Value(at) : -1;
      if (key.Value(at) != i * spread || before != (there ? i + 1000 : -1)) FAIL("row " << i);
      ++i;
    }
  }
}

TEST_CASE("output is cut where texts are large") {
  const auto from = inputs("k bigint", "k bigint, t text");
  runner unit("join", R"~({"using": ["k"]})~", from);
  arrow::StringBuilder texts;
  REQUIRE(texts.Append(std::string(20 << 20, 'x')).ok());
  arrow::Int64Builder ones;
  REQUIRE(ones.Append(1).ok());
  const auto one = ones.Finish().ValueOrDie();
  unit.feed(batch_of(from[1].schema, {one, texts.Finish().ValueOrDie()}), 1).end(1);
  unit.feed("[[1], [1], [1], [1], [1], [1], [1]]", 0).end();
  CHECK(unit.out.out == 7);
  for (const auto& piece : unit.out.ports[0]) CHECK(piece.rows() <= 3);
}
