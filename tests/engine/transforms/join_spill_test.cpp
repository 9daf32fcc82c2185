#include "engine/component/late_answers.hpp"
#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

#include <arrow/compute/cast.h>

#include <algorithm>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::vector<input_port> inputs(const std::string& left, const std::string& right) {
  return {{"l", schema_of(left)}, {"r", schema_of(right)}};
}

struct shape_of_data {
  int left = 3000, right = 2000;
  int keys = 400;
  int heavy_percent = 0;  // of all rows on both sides have key 7
};

/// Keys as text, some of them null; a number that names the row; a text of some length.
batch random_rows(const std::shared_ptr<arrow::Schema>& schema, int count, const shape_of_data& shape,
                  std::mt19937& random) {
  arrow::StringBuilder k, t;
  arrow::Int64Builder n;
  for (int i = 0; i < count; ++i) {
    const auto key = random() % 100 < static_cast<unsigned>(shape.heavy_percent)
                         ? std::string("7")
                         : std::to_string(random() % static_cast<unsigned>(shape.keys));
    const bool fine = (random() % 20 == 0 ? k.AppendNull() : k.Append(key)).ok() && n.Append(i).ok() &&
                      t.Append(std::string(random() % 60, 'a' + static_cast<char>(random() % 26))).ok();
    REQUIRE(fine);
  }
  const auto cast = arrow::compute::Cast(*k.Finish().ValueOrDie(), schema->field(0)->type()).ValueOrDie();
  return batch_of(schema, {cast, n.Finish().ValueOrDie(), t.Finish().ValueOrDie()});
}

struct answer {
  lines rows;
  std::vector<std::uint64_t> sequences;  // of the batches
  std::uint64_t filtered, merged, added;
};

answer run_join(const std::string& own, const std::vector<input_port>& from, const batch& left, const batch& right,
                std::int64_t memory, bool left_first, bool released = false) {
  runner unit("join", own, from, {.memory_bytes = memory});
  if (released) dynamic_cast<late_answers&>(unit.unit()).release_order();
  const auto feed = [&](const batch& rows, int input) {
    std::uint32_t sequence = 0;
    for (std::int64_t begin = 0; begin < rows.rows(); begin += 500) {
      auto piece = rows.slice(begin, std::min<std::int64_t>(500, rows.rows() - begin));
      piece.order.sequence = sequence++;
      unit.feed(piece, input);
    }
    unit.end(input);
  };
  feed(left_first ? left : right, left_first ? 0 : 1);
  feed(left_first ? right : left, left_first ? 1 : 0);
  unit.end();
  answer made{unit.lines(), {}, unit.out.filtered, unit.out.merged, unit.out.added};
  if (!unit.out.ports.empty())
    for (const auto& piece : unit.out.ports[0]) {
      made.sequences.push_back(piece.order.sequence);
      if (!unit.unit().keeps_order() || released) continue;
      // Each batch holds rows of one batch of the left, and its place: those may be put in another order below.
      const auto& numbers = static_cast<const arrow::Int64Array&>(*piece.data->column(1));
      for (std::int64_t row = 0; row < piece.rows(); ++row)
        REQUIRE(static_cast<std::uint64_t>(numbers.Value(row)) / 500 == piece.order.sequence);
    }
  return made;
}

std::string join_text(const std::string& how, bool condition) {
  auto text = R"~({"how": ")~" + how + '"';
  if (how != "cross") text += R"~(, "on": "k = j)~" + std::string(condition ? " and a % 10 <> b % 7" : "") + '"';
  return text + "}";
}

constexpr std::int64_t plenty = std::int64_t{1} << 30;

void same_as_in_memory(const std::string& how, bool condition, const std::string& type, const shape_of_data& shape,
                       std::int64_t memory) {
  INFO(how << " of " << type << (condition ? " with a condition" : "") << ", " << memory << " bytes");
  std::mt19937 random(11);
  const auto from = inputs("k " + type + ", a bigint, s text", "j " + type + ", b bigint, t text");
  const auto left = random_rows(from[0].schema, shape.left, shape, random);
  const auto right = random_rows(from[1].schema, shape.right, shape, random);
  const auto own = join_text(how, condition);
  auto expected = run_join(own, from, left, right, plenty, false);
  for (const bool left_first : {false, true}) {
    auto spilled = run_join(own, from, left, right, memory, left_first);
    CHECK(spilled.filtered == expected.filtered);
    CHECK(spilled.merged == expected.merged);
    CHECK(spilled.added == expected.added);
    if (how == "right" || how == "full") {
      std::sort(spilled.rows.begin(), spilled.rows.end());
      std::sort(expected.rows.begin(), expected.rows.end());
    } else {
      CHECK(std::is_sorted(spilled.sequences.begin(), spilled.sequences.end()));
    }
    CHECK((spilled.rows == expected.rows));
  }
  auto released = run_join(own, from, left, right, memory, false, true);
  std::sort(released.rows.begin(), released.rows.end());
  std::sort(expected.rows.begin(), expected.rows.end());
  CHECK((released.rows == expected.rows));
}

}  // namespace

TEST_CASE("a join of any kind that spills gives the same rows in the same order") {
  const std::string how = GENERATE(as<std::string>{}, "inner", "left", "right", "full", "semi", "anti");
  const bool condition = GENERATE(false, true);
  same_as_in_memory(how, condition, "bigint", {}, 1'500'000);
  same_as_in_memory(how, condition, "bigint", {}, 60'000);
  same_as_in_memory(how, condition, "text", {}, 1'000);
}

TEST_CASE("a key with more rows than memory is joined in chunks") {
  const std::string how = GENERATE(as<std::string>{}, "inner", "left", "right", "full", "semi", "anti");
  const bool condition = GENERATE(false, true);
  same_as_in_memory(how, condition, "bigint", {.left = 12, .right = 6000, .keys = 100, .heavy_percent = 60}, 20'000);
}

TEST_CASE("a cross join that spills gives the same rows in the same order") {
  same_as_in_memory("cross", false, "bigint", {.left = 9, .right = 6000}, 20'000);
}

TEST_CASE("a condition without keys over inputs that spill") {
  const auto from = inputs("k bigint, a bigint, s text", "j bigint, b bigint, t text");
  std::mt19937 random(5);
  const auto left = random_rows(from[0].schema, 300, {}, random), right = random_rows(from[1].schema, 2000, {}, random);
  const std::string how = GENERATE(as<std::string>{}, "inner", "left", "full", "anti");
  const auto own = R"~({"how": ")~" + how + R"~(", "on": "k * 2 = j + a and b < a"})~";
  auto expected = run_join(own, from, left, right, plenty, false),
       spilled = run_join(own, from, left, right, 9'000, true);
  if (how == "full") {
    std::sort(spilled.rows.begin(), spilled.rows.end());
    std::sort(expected.rows.begin(), expected.rows.end());
  }
  CHECK((spilled.rows == expected.rows));
}

TEST_CASE("positions of rows survive spilling") {
  const auto from = inputs("k bigint, a bigint, s text", "j bigint, b bigint, t text");
  std::mt19937 random(6);
  const auto left = with_positions(random_rows(from[0].schema, 2000, {}, random), 1);
  const auto right = with_positions(random_rows(from[1].schema, 2000, {}, random), 2);
  runner unit("join", join_text("full", false), from, {.memory_bytes = 30'000});
  unit.feed(right, 1).end(1).feed(left, 0).end();
  std::int64_t of_left = 0, of_right = 0;
  for (const auto& piece : unit.out.ports[0]) {
    const auto& a = static_cast<const arrow::Int64Array&>(*piece.data->column(1));
    const auto& b = static_cast<const arrow::Int64Array&>(*piece.data->column(4));
    for (std::int64_t row = 0; row < piece.rows(); ++row) {
      const auto where = position_at(*piece.positions, row);
      const bool from_left = a.IsValid(row);
      REQUIRE(where.split == (from_left ? 1 : 2));
      REQUIRE(where.offset == (from_left ? a.Value(row) : b.Value(row)));
      ++(from_left ? of_left : of_right);
    }
  }
  CHECK(of_left > 2000);
  CHECK(of_right > 0);
}

TEST_CASE("a row whose condition fails is rejected by a join that spills") {
  const auto from = inputs("k bigint, a bigint, s text", "j bigint, b bigint, t text");
  std::mt19937 random(7);
  const auto left = random_rows(from[0].schema, 2000, {}, random),
             right = random_rows(from[1].schema, 2000, {}, random);
  const auto run = [&](std::int64_t memory) {
    runner unit("join", R"~({"how": "left", "on": "k = j and 10 / (b % 50) >= 0"})~", from,
                {.policy = on_error::reject, .memory_bytes = memory});
    unit.feed(right, 1).end(1).feed(left, 0).end();
    lines rejected;
    for (const auto& one : unit.out.rejects) rejected.push_back(one.record);
    std::sort(rejected.begin(), rejected.end());
    return std::pair(unit.lines(), rejected);
  };
  const auto expected = run(plenty), spilled = run(100'000);
  CHECK(!expected.second.empty());
  CHECK((spilled.second == expected.second));
  CHECK((spilled.first == expected.first));
}

TEST_CASE("a join that can't spill says why") {
  const auto from = inputs("k bigint, a bigint, s text", "j bigint, b bigint, t text");
  std::mt19937 random(8);
  runner unit("join", join_text("inner", false), from, {.memory_bytes = 10'000});
  unit.context.spill_folder = "/proc/no-such-folder";
  const auto failed = unit.try_feed(random_rows(from[1].schema, 5000, {}, random), 1);
  REQUIRE(!failed.ok());
  CHECK(failed.problem().code == "spill_failed");
}
