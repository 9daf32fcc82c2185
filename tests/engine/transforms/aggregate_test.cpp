#include "tests/support/collector.hpp"

#include "engine/expression/functions.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/positions.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::string by_k(const std::string& compute) { return R"~({"by": ["k"], "compute": )~" + compute + "}"; }

// One aggregate over one column, without keys.
std::string one(const std::string& type, const std::string& values, const std::string& call) {
  runner unit("aggregate", R"~({"compute": {"x": ")~" + call + R"~("}})~", "v " + type);
  unit.feed(values).end();
  REQUIRE(unit.lines().size() == 1);
  return unit.lines()[0];
}

std::string failure(const std::string& type, const std::string& values, const std::string& call) {
  runner unit("aggregate", R"~({"compute": {"x": ")~" + call + R"~("}})~", "v " + type);
  auto state = unit.try_feed(rows("v " + type, values));
  if (state.ok()) state = unit.try_end();
  REQUIRE(!state.ok());
  return state.problem().code;
}

// Random rows: k (some keys frequent, some null), v double, n bigint (some null), t text.
batch random_rows(std::mt19937_64& random, std::int64_t count, int keys) {
  arrow::StringBuilder k, t;
  arrow::DoubleBuilder v;
  arrow::Int64Builder n;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto skewed = random() % 2 == 0 ? 0 : random() % static_cast<unsigned>(keys);
    bool fine = skewed == 3 ? k.AppendNull().ok() : k.Append("key " + std::to_string(skewed)).ok();
    fine = fine &&
           v.Append(std::ldexp(static_cast<double>(random() % 2'000'003) - 1e6, static_cast<int>(random() % 90) - 45))
               .ok();
    fine =
        fine && (random() % 10 == 0 ? n.AppendNull() : n.Append(static_cast<std::int64_t>(random() % 1000) - 500)).ok();
    fine = fine && t.Append("t" + std::to_string(random() % 997)).ok();
    REQUIRE(fine);
  }
  return batch_of(schema_of("k text, v double, n bigint, t text"),
                  {k.Finish().ValueOrDie(), v.Finish().ValueOrDie(), n.Finish().ValueOrDie(), t.Finish().ValueOrDie()});
}

const std::string everything =
    by_k(R"~({"c": "count(*)", "cn": "count(n)", "s": "sum(v)", "a": "avg(v)", "sd": "stddev(v)",
  "si": "sum(n)", "ai": "avg(n)", "lo": "min(t)", "hi": "max(t)", "lv": "min(v)", "d": "count(distinct n)", "sd2": "sum(distinct n)",
  "f": "first(t)", "l": "last(n)", "any": "any_value(n)", "some": "sum(v) filter (where n > 0)", "ratio": "sum(v) / count(*)",
  "about": "approx_count_distinct(n)"})~");

std::vector<batch> cut(const batch& whole, const std::vector<std::int64_t>& sizes) {
  std::vector<batch> parts;
  std::int64_t begin = 0;
  for (const auto size : sizes) {
    parts.push_back(whole.slice(begin, size));
    parts.back().order.sequence = static_cast<std::uint32_t>(parts.size() - 1);
    begin += size;
  }
  return parts;
}

}  // namespace

TEST_CASE("groups come in the order of their first rows, null is a key, and rows that join a group are merged") {
  runner unit("aggregate", by_k(R"~({"n": "count(*)", "s": "sum(v)"})~"), "k text, v bigint");
  unit.feed(R"~([["b", 1], ["a", 2], [null, 3], ["b", 4]])~").feed(R"~([[null, null], ["c", null]])~").end();
  CHECK(unit.schema() == "k text, n bigint, s bigint");
  CHECK(unit.lines() == lines{"b|2|5", "a|1|2", "null|2|3", "c|1|null"});
  CHECK(unit.out.merged == 2);
  CHECK(unit.out.added == 0);
}

TEST_CASE("an aggregate without keys has one row, also over no rows") {
  runner unit("aggregate",
              R"~({"compute": {"n": "count(*)", "s": "sum(v)", "c": "count(distinct v)", "f": "first(v)"}})~",
              "v bigint");
  unit.end();
  CHECK(unit.lines() == lines{"0|null|0|null"});
  CHECK(unit.out.added == 1);
  runner keyed("aggregate", by_k(R"~({"n": "count(*)"})~"), "k bigint");
  keyed.feed("[]").end();
  CHECK(keyed.lines().empty());
}

TEST_CASE("keys alone give the distinct combinations, of every type that can be a key") {
  runner unit("aggregate", R"~({"by": ["a", "b", "c", "d", "e", "f", "g"]})~",
              "a boolean, b date, c timestamptz, d decimal(10,2), e double, f bytea, g text");
  unit.feed(
          R"~([[true, 1, 5, "1.00", 0.0, "x", "0123456789abcdef"], [true, 1, 5, "1.00", -0.0, "x", "0123456789abcdef"],
                [true, 1, 5, "1.00", NaN, "x", "0123456789abcdef"], [true, 1, 5, "1.00", NaN, "x", "0123456789abcdef"],
                [null, null, null, null, null, null, null], [null, null, null, null, null, null, null]])~")
      .end();
  CHECK(unit.lines().size() == 3);
  CHECK(unit.out.merged == 3);
}

TEST_CASE("sums of whole numbers are exact, and overflow only where the total does") {
  CHECK(one("bigint", "[[9223372036854775807], [1], [-2]]", "sum(v)") == "9223372036854775806");
  CHECK(failure("bigint", "[[9223372036854775807], [1]]", "sum(v)") == "numeric_overflow");
  CHECK(one("integer", "[[2147483647], [2147483647]]", "sum(v)") == "4294967294");
  CHECK(one("ubigint", "[[18446744073709551614], [1]]", "sum(v)") == "18446744073709551615");
  CHECK(one("smallint", "[[1], [null], [2]]", "avg(v)") == "1.5");
  CHECK(one("bigint", "[[null]]", "sum(v)") == "null");
}

TEST_CASE("sums and averages of decimals are exact") {
  CHECK(one("decimal(12,2)", R"~([["0.10"], ["0.20"], ["-0.05"]])~", "sum(v)") == "0.25");
  CHECK(one("decimal(12,2)", R"~([["0.10"], ["0.20"], ["0.20"]])~", "avg(v)").substr(0, 12) == "0.1666666666");
  CHECK(one("decimal(12,2)", R"~([["-0.10"], ["-0.20"], ["-0.20"]])~", "avg(v)").substr(0, 13) == "-0.1666666666");
  const std::string nines(38, '9');
  CHECK(failure("decimal(38,0)", "[[\"" + nines + "\"], [\"1\"]]", "sum(v)") == "numeric_overflow");
  // The way to the total may leave 128 bits.
  CHECK(one("decimal(38,0)",
            "[[\"" + nines + "\"], [\"" + nines + "\"], [\"-" + nines + "\"], [\"-" + nines + "\"], [\"7\"]]",
            "sum(v)") == "7");
}

TEST_CASE("sums and averages of decimals with more than 38 digits are exact") {
  CHECK(one("decimal(50,2)", R"~([["0.10"], ["0.20"], [null], ["-0.05"]])~", "sum(v)") == "0.25");
  CHECK(one("decimal(50,2)", R"~([["-0.10"], ["-0.20"], ["-0.20"]])~", "avg(v)") == "-0.1666666666666666666666666667");
  CHECK(one("decimal(50,2)", "[[null]]", "sum(v)") == "null");
  const std::string nines(76, '9');
  const auto list = [](const std::vector<std::string>& values) {
    std::string text;
    for (const auto& value : values) text += (text.empty() ? "[[\"" : ", [\"") + value + "\"]";
    return text + "]";
  };
  CHECK(failure("decimal(76,0)", list({nines, "1"}), "sum(v)") == "numeric_overflow");
  // The way to the total may leave 256 bits, which hold five of these.
  std::vector<std::string> there_and_back(30, nines);
  CHECK(one("decimal(76,0)", list(there_and_back), "avg(v)") == nines);
  CHECK(failure("decimal(76,0)", list(there_and_back), "sum(v)") == "numeric_overflow");
  there_and_back.insert(there_and_back.end(), 30, "-" + nines);
  there_and_back.push_back("7");
  CHECK(one("decimal(76,0)", list(there_and_back), "sum(v)") == "7");
  CHECK(one("decimal(76,0)", list({"-5", nines, "3"}), "min(v)") == "-5");
  CHECK(one("decimal(76,0)", list({"-5", nines, "3"}), "max(v)") == nines);
  CHECK(one("decimal(76,0)", list({"4", "4", "3"}), "count(distinct v)") == "2");
  CHECK(one("decimal(76,0)", list({"2", "4", "4", "4", "5", "5", "7", "9"}), "stddev_pop(v)") == "2");
}

TEST_CASE("decimals of buffers that are aligned to eight bytes only are summed and compared alike") {
  const auto schema = schema_of("k text, v decimal(38,2)");
  auto in = rows(schema, R"~([["a", "1.50"], ["b", "-2.00"], ["a", null], ["b", "7.25"]])~");
  const auto& values = *in.data->column_data(1)->buffers[1];
  std::shared_ptr<arrow::Buffer> room = arrow::AllocateBuffer(values.size() + 16).ValueOrDie();
  const auto off = reinterpret_cast<std::uintptr_t>(room->data()) % 16 == 0 ? 8 : 0;
  std::copy_n(values.data(), values.size(), room->mutable_data() + off);
  auto data = in.data->column_data(1)->Copy();
  data->buffers[1] = arrow::SliceBuffer(room, off, values.size());
  in.data = arrow::RecordBatch::Make(schema, 4, {in.data->column(0), arrow::MakeArray(data)});
  runner unit("aggregate", by_k(R"~({"s": "sum(v)", "a": "avg(v)", "lo": "min(v)", "hi": "max(v)"})~"),
              "k text, v decimal(38,2)");
  unit.feed(in).end();
  CHECK(unit.lines() ==
        lines{"a|1.50|1.5000000000000000000000000000|1.50|1.50", "b|5.25|2.6250000000000000000000000000|-2.00|7.25"});
}

TEST_CASE("sums of doubles are exact and rounded once") {
  CHECK(one("double", "[[0.1], [0.2], [0.3]]", "sum(v)") == "0.6");
  CHECK(one("double", "[[1e308], [1], [-1e308], [null]]", "sum(v)") == "1");
  CHECK(one("real", "[[0.5], [0.25]]", "sum(v)") == "0.75");
  CHECK(one("double", "[[1], [NaN]]", "sum(v)") == "NaN");
  CHECK(one("double", "[[Inf], [1]]", "avg(v)") == "Infinity");
}

TEST_CASE("variances do not cancel") {
  CHECK(one("double", "[[1000000001], [1000000002], [1000000003]]", "variance(v)") == "1");
  CHECK(one("double", "[[1e15], [1000000000000001], [1000000000000002]]", "var_pop(v)").substr(0, 12) ==
        "0.6666666666");
  CHECK(one("bigint", "[[2], [4], [4], [4], [5], [5], [7], [9]]", "stddev_pop(v)") == "2");
  CHECK(one("double", "[[5]]", "stddev(v)") == "null");
  CHECK(one("double", "[[5]]", "var_pop(v)") == "0");
  CHECK(one("double", "[[5], [NaN]]", "stddev(v)") == "NaN");
  CHECK(one("double", "[[0.1], [0.1], [0.1]]", "stddev(v)") == "0");
  CHECK(failure("double", "[[1e200], [2e200]]", "stddev(v)") == "numeric_overflow");
}

TEST_CASE("min and max take every type that has an order") {
  CHECK(one("text", R"~([["b"], ["a"], [null], ["ab"]])~", "min(v)") == "a");
  CHECK(one("text", R"~([["b"], ["a"], [null], ["ab"]])~", "max(v)") == "b");
  CHECK(one("bigint", "[[3], [-9223372036854775808]]", "min(v)") == "-9223372036854775808");
  CHECK(one("double", "[[NaN], [3]]", "min(v)") == "3");
  CHECK(one("double", "[[3], [NaN], [4]]", "max(v)") == "NaN");
  CHECK(one("double", "[[-1], [-0.5]]", "max(v)") == "-0.5");
  CHECK(one("date", "[[5], [3]]", "min(v)") == "1970-01-04");
  CHECK(one("timestamp", "[[5000000], [3000000]]", "max(v)") == "1970-01-01 00:00:05");
  CHECK(one("decimal(10,2)", R"~([["-1.00"], ["5.00"]])~", "min(v)") == "-1.00");
  CHECK(one("boolean", "[[true], [false]]", "min(v)") == "false");
  CHECK(one("bigint", "[[null]]", "max(v)") == "null");
}

TEST_CASE("arguments that are written alike but have other types are kept apart") {
  runner unit(
      "aggregate",
      R"~({"compute": {"d": "max(null::date)", "s": "stddev(v + null::integer)", "i": "sum(null::integer)", "n": "count(*)"}})~",
      "k text, v bigint");
  unit.feed(R"~([["a", 1], ["b", 2]])~").end();
  CHECK(unit.lines() == lines{"null|null|null|2"});
}

TEST_CASE("booleans are brought together") {
  CHECK(one("boolean", "[[true], [null], [true]]", "bool_and(v)") == "true");
  CHECK(one("boolean", "[[true], [false]]", "bool_and(v)") == "false");
  CHECK(one("boolean", "[[false], [true]]", "bool_or(v)") == "true");
  CHECK(one("boolean", "[[null]]", "bool_or(v)") == "null");
}

TEST_CASE("first, last and any_value pass over nulls") {
  CHECK(one("bigint", "[[null], [2], [3]]", "first(v)") == "2");
  CHECK(one("bigint", "[[1], [2], [null]]", "last(v)") == "2");
  CHECK(one("bigint", "[[null], [2], [3]]", "any_value(v)") == "2");
  CHECK(one("bigint", "[[null], [null]]", "first(v)") == "null");
  CHECK(one("bigint", "[[null], [null]]", "last(v)") == "null");
  CHECK(one("bigint", "[[1], [null], [3], [null]]", "last(v) filter (where v is null or v < 2)") == "1");
  CHECK(one("text[]", R"~([[["a", "b"]], [["c"]]])~", "last(v)") == one("text[]", R"~([[["c"]]])~", "first(v)"));
}

TEST_CASE("distinct and filter apply before the aggregate") {
  runner unit("aggregate",
              by_k(R"~({"d": "count(distinct v)", "s": "sum(distinct v)", "f": "count(*) filter (where v > 1)",
                       "fs": "sum(v) filter (where v > 10)", "fd": "count(distinct v) filter (where v > 1)"})~"),
              "k text, v double");
  unit.feed(R"~([["a", 1], ["a", 1], ["b", 1], ["a", 2], ["a", null], ["b", -0.0]])~")
      .feed(R"~([["a", 2], ["b", 0]])~")
      .end();
  CHECK(unit.lines() == lines{"a|2|3|2|null|1", "b|2|1|0|null|0"});
}

TEST_CASE("expressions go around aggregates, and into them") {
  runner unit("aggregate",
              by_k(R"~({"mean": "round(sum(v * 2) / count(*), 1)", "label": "k || '!'  || max(v)::text"})~"),
              "k text, v double");
  unit.feed(R"~([["a", 1], ["a", 2]])~").end();
  CHECK(unit.lines() == lines{"a|3|a!2"});
}

TEST_CASE("a row whose argument has an error is rejected before it counts") {
  runner unit("aggregate", by_k(R"~({"n": "count(*)", "s": "sum(10 / v)", "t": "sum(20 / v)"})~"), "k text, v bigint",
              on_error::reject);
  unit.feed(R"~([["a", 5], ["b", 0], ["a", 0], ["a", 1]])~").end();
  CHECK(unit.lines() == lines{"a|2|12|24"});
  CHECK(unit.out.rejects.size() == 2);
}

TEST_CASE("a group whose result has an error is rejected as a row of the result") {
  runner unit("aggregate", by_k(R"~({"r": "100 / sum(v)"})~"), "k text, v bigint", on_error::reject);
  unit.feed(R"~([["a", 5], ["b", 0], ["a", 5]])~").end();
  CHECK(unit.lines() == lines{"a|10"});
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].record.substr(0, 2) == "b|");
}

TEST_CASE("results are the same bits for any cut into batches and any order of their arrival") {
  std::mt19937_64 random(11);
  const auto whole = random_rows(random, 20'000, 60);
  runner reference("aggregate", everything, "k text, v double, n bigint, t text");
  reference.feed(whole).end();
  CHECK(reference.lines().size() == 60);
  for (int round = 0; round < 6; ++round) {
    std::vector<std::int64_t> sizes;
    for (std::int64_t left = whole.rows(); left > 0;) {
      const auto size = std::min<std::int64_t>(left, round == 0 ? 1 : 1 + static_cast<std::int64_t>(random() % 3000));
      sizes.push_back(size);
      left -= size;
      if (round == 0 && sizes.size() == 500) sizes.push_back(std::exchange(left, 0));
    }
    auto parts = cut(whole, sizes);
    if (round > 1) std::shuffle(parts.begin(), parts.end(), random);
    runner unit("aggregate", everything, "k text, v double, n bigint, t text");
    for (const auto& part : parts) unit.feed(part);
    unit.end();
    REQUIRE(unit.lines() == reference.lines());
  }
}

TEST_CASE("instances that own key groups give together what one gives") {
  std::mt19937_64 random(12);
  const auto whole = random_rows(random, 30'000, 300);
  runner alone("aggregate", everything, "k text, v double, n bigint, t text");
  alone.feed(whole).end();
  const auto how = alone.unit().input_partitioning(0);
  REQUIRE(how.how == partitioning::kind::by_keys);
  lines together;
  std::vector<std::unique_ptr<runner>> instances;
  for (int i = 0; i < 3; ++i)
    instances.push_back(std::make_unique<runner>("aggregate", everything, "k text, v double, n bigint, t text"));
  for (const auto& part : cut(whole, std::vector<std::int64_t>(30, 1000))) {
    const auto parts = must(flow::partition_by_keys(part, how.keys, how.key_types, 3));
    for (std::size_t i = 0; i < parts.size(); ++i) instances[i]->feed(parts[i]);
  }
  for (auto& instance : instances) {
    instance->end();
    for (auto& line : instance->lines()) together.push_back(std::move(line));
  }
  auto expected = alone.lines();
  std::sort(expected.begin(), expected.end());
  std::sort(together.begin(), together.end());
  CHECK(together == expected);
}

TEST_CASE("aggregates equal a plain computation over random rows") {
  std::mt19937_64 random(13);
  const auto whole = random_rows(random, 50'000, 2'000);
  runner unit("aggregate", by_k(R"~({"c": "count(*)", "s": "sum(n)", "lo": "min(t)", "d": "count(distinct t)"})~"),
              "k text, v double, n bigint, t text");
  for (const auto& part : cut(whole, std::vector<std::int64_t>(5, 10'000))) unit.feed(part);
  unit.end();
  struct plain {
    std::int64_t count = 0, sum = 0, numbers = 0;
    std::string least = "~";
    std::set<std::string> texts;
  };
  std::map<std::string, plain> expected;
  const auto& k = static_cast<const arrow::StringArray&>(*whole.data->column(0));
  const auto& n = static_cast<const arrow::Int64Array&>(*whole.data->column(2));
  const auto& t = static_cast<const arrow::StringArray&>(*whole.data->column(3));
  for (std::int64_t row = 0; row < whole.rows(); ++row) {
    auto& group = expected[k.IsNull(row) ? "null" : k.GetString(row)];
    ++group.count;
    if (n.IsValid(row)) group.sum += n.Value(row), ++group.numbers;
    group.least = std::min(group.least, t.GetString(row));
    group.texts.insert(t.GetString(row));
  }
  CHECK(unit.lines().size() == expected.size());
  for (const auto& line : unit.lines()) {
    const auto key = line.substr(0, line.find('|'));
    const auto& group = expected.at(key);
    REQUIRE(line == key + "|" + std::to_string(group.count) + "|" +
                        (group.numbers ? std::to_string(group.sum) : "null") + "|" + group.least + "|" +
                        std::to_string(group.texts.size()));
  }
}

TEST_CASE("many groups leave in batches, in the order of their first rows") {
  arrow::Int64Builder k;
  const std::int64_t count = 150'000;
  for (std::int64_t i = 0; i < count; ++i) REQUIRE(k.Append(i * 7919 % count).ok());
  const auto whole = batch_of(schema_of("k bigint"), {k.Finish().ValueOrDie()});
  const bool shuffled = GENERATE(false, true);
  auto parts = cut(whole, std::vector<std::int64_t>(15, 10'000));
  if (shuffled) std::reverse(parts.begin(), parts.end());
  runner unit("aggregate", by_k(R"~({"n": "count(*)"})~"), "k bigint");
  for (auto& part : parts) unit.feed(with_positions(part));
  unit.end();
  REQUIRE(unit.out.ports[0].size() == 3);
  std::int64_t at = 0;
  for (const auto& part : unit.out.ports[0]) {
    REQUIRE(part.positions != nullptr);
    CHECK(position_at(*part.positions, 0) == position::unknown);
    const auto& keys = static_cast<const arrow::Int64Array&>(*part.data->column(0));
    for (std::int64_t i = 0; i < keys.length(); ++i, ++at) REQUIRE(keys.Value(i) == at * 7919 % count);
  }
  CHECK(at == count);
}

TEST_CASE("faults of an aggregate are found together") {
  runner unit("aggregate", R"~({"by": ["q", "l"], "compute": {"k": "count(*)", "x": "sum(t)", "l": "sum(k)"}})~",
              "k bigint, t text, l bigint[]");
  std::vector<std::string> codes;
  for (const auto& fault : unit.faults) codes.push_back(fault.code + " " + fault.path);
  CHECK(std::count(codes.begin(), codes.end(), "unknown_column /aggregate/by/0") == 1);
  CHECK(std::count(codes.begin(), codes.end(), "not_supported_yet /aggregate/by/1") == 1);
  CHECK(std::count(codes.begin(), codes.end(), "duplicate_column /aggregate") == 1);
  CHECK(codes.size() == 4);
  CHECK(runner("aggregate", "{}", "k bigint").faults.size() == 1);
}

TEST_CASE("an aggregate asks for what it reads") {
  runner unit("aggregate", by_k(R"~({"s": "sum(a) filter (where b > 0)"})~"), "z bigint, k text, a bigint, b bigint");
  CHECK(*unit.unit().required_columns(0, {}) == lines{"k", "a", "b"});
  CHECK(!unit.unit().keeps_order());
}

TEST_CASE("every aggregate gives what its example says") {
  CHECK(expression::aggregate_example_rows() == std::string("x = 3, 1, null, 1 and good = true, true, null, false"));
  for (const auto& each : expression::functions()) {
    if (each.kind != "aggregate") continue;
    INFO(each.name << ": " << each.example);
    runner unit("aggregate", R"~({"compute": {"x": ")~" + each.example + R"~("}})~", "x integer, good boolean");
    unit.feed("[[3, true], [1, true], [null, null], [1, false]]").end();
    CHECK(unit.lines() == std::vector<std::string>{each.result});
  }
}

TEST_CASE("a filter shields the argument behind it, and only that") {
  const std::string compute = R"~({"compute": {"n": "count(*)", "s": "sum(a / b) filter (where b <> 0)",
    "d": "count(distinct a / b) filter (where b <> 0 and a > 0)", "p": "sum(a) filter (where b <> 0)"}})~";
  for (const auto policy : {on_error::fail, on_error::reject, on_error::set_null}) {
    runner unit("aggregate", compute, "a integer, b integer", policy);
    unit.feed("[[6, 2], [5, 0], [null, 0], [8, null]]").end();
    CHECK(unit.lines() == lines{"4|3|1|6"});
    CHECK(unit.out.rejects.empty());
  }
  runner unshielded("aggregate", R"~({"compute": {"n": "count(*)", "s": "sum(a / b) filter (where b <> 0)",
    "u": "sum(a / b)"}})~",
                    "a integer, b integer", on_error::reject);
  unshielded.feed("[[6, 2], [5, 0]]").end();
  CHECK(unshielded.lines() == lines{"1|3|3"});
  REQUIRE(unshielded.out.rejects.size() == 1);
  CHECK(unshielded.out.rejects[0].why.code == "division_by_zero");
  // Where either filter lets a row pass, its error counts; a filter's own error always does.
  runner two("aggregate", R"~({"compute": {"s": "sum(a / b) filter (where b <> 0)",
    "t": "sum(a / b) filter (where a > 5)", "f": "count(*) filter (where 10 / a > 1)"}})~",
             "a integer, b integer", on_error::reject);
  two.feed("[[6, 2], [5, 0], [9, 0], [0, 1]]").end();
  CHECK(two.lines() == lines{"3|3|1"});
  CHECK(two.out.rejects.size() == 2);
}

TEST_CASE("a sum beyond its type is an error of its group") {
  const std::string compute = by_k(R"~({"s": "sum(b)", "c": "coalesce(sum(b), 0)", "n": "count(*)"})~");
  const std::string input = R"~([["x", 9223372036854775807], ["y", 1], ["x", 5], ["z", null]])~";
  runner rejecting("aggregate", compute, "k text, b bigint", on_error::reject);
  rejecting.feed(input).end();
  CHECK(rejecting.lines() == lines{"y|1|1|1", "z|null|0|1"});
  REQUIRE(rejecting.out.rejects.size() == 1);
  CHECK(rejecting.out.rejects[0].why.code == "numeric_overflow");
  CHECK(rejecting.out.rejects[0].why.column == "s");
  CHECK(rejecting.out.rejects[0].record.starts_with("x|"));
  runner nulling("aggregate", compute, "k text, b bigint", on_error::set_null);
  nulling.feed(input).end();
  CHECK(nulling.lines() == lines{"x|null|null|2", "y|1|1|1", "z|null|0|1"});
  CHECK(nulling.out.set_null == std::map<std::string, std::uint64_t>{{"s", 1}, {"c", 1}});
  for (const auto* const call : {"sum(d)", "avg(d)", "variance(d)", "stddev_pop(d)"}) {
    INFO(call);
    runner doubles("aggregate", by_k(std::string(R"~({"s": ")~") + call + "\"}"), "k text, d double", on_error::reject);
    doubles.feed(R"~([["x", 1e308], ["x", 1e308], ["x", 1e308], ["y", 2], ["y", 2]])~").end();
    CHECK(doubles.lines().size() == 1);
    CHECK(doubles.out.rejects.size() == 1);
  }
}

TEST_CASE("ratios of sums and averages keep as many significant digits as PostgreSQL") {
  const auto sums = [](const std::string& type, const std::string& values, const std::string& call) {
    runner unit("aggregate", R"~({"compute": {"x": ")~" + call + R"~("}})~", "n " + type + ", m " + type);
    unit.feed(values).end();
    return unit.lines()[0];
  };
  CHECK(sums("decimal(12,2)", R"~([["1.00", "300000.00"], ["1.00", "400000.00"]])~", "sum(n) / sum(m)") ==
        "0.00000285714285714285714285714285714286");
  CHECK(sums("decimal(12,2)", R"~([["1.00", "300000.00"], ["1.00", "400000.00"]])~", "round(sum(n) / sum(m), 8)") ==
        "0.00000286");
  CHECK(sums("bigint", "[[1, 3], [1, 4]]", "sum(n)::decimal(38,0) / count(*)").starts_with("1.0000000000000000"));
  CHECK(one("decimal(12,2)", R"~([["0.01"], ["0.00"], ["0.00"]])~", "avg(v)").starts_with("0.00333333333333333333"));
  CHECK(one("decimal(38,10)", R"~([["0.0000000001"], ["0.0000000000"], ["0.0000000000"]])~", "avg(v)")
            .starts_with("0.00000000003333333333333333"));
}
