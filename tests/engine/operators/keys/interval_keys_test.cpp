#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/value_parse.hpp"

#include "tests/support/collector.hpp"

#include <limits>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::shared_ptr<arrow::Array> intervals(const std::vector<std::string>& texts) {
  arrow::MonthDayNanoIntervalBuilder builder;
  for (const auto& text : texts) {
    interval_value value;
    if (text.empty()) {
      REQUIRE(builder.AppendNull().ok());
      continue;
    }
    REQUIRE(parse_interval(text, value) == parsed::good);
    REQUIRE(builder.Append({value.months, value.days, value.nanoseconds}).ok());
  }
  return builder.Finish().ValueOrDie();
}

batch interval_rows(const std::vector<std::string>& texts) {
  arrow::Int64Builder ids;
  for (std::size_t i = 0; i < texts.size(); ++i) REQUIRE(ids.Append(static_cast<std::int64_t>(i)).ok());
  return batch_of(schema_of("id bigint, v interval"), {ids.Finish().ValueOrDie(), intervals(texts)});
}

const std::vector<std::string> spelled = {
    "30 days", "1 mon", "", "24:00:00", "1 day", "720:00:00", "-30 days", "", "1 mon -30 days", "0 days", "-1 mon"};

}  // namespace

TEST_CASE("the canonical interval is the same for all of one length, and of that length") {
  std::mt19937_64 random(5);
  const auto any = [&] {
    const auto part = [&](auto most) {
      using integer = decltype(most);
      switch (random() % 4) {
        case 0:
          return static_cast<integer>(random());
        case 1:
          return most;
        case 2:
          return std::numeric_limits<integer>::min();
        default:
          return static_cast<integer>(static_cast<integer>(random() % 200) - 100);
      }
    };
    return interval{part(std::numeric_limits<std::int32_t>::max()), part(std::numeric_limits<std::int32_t>::max()),
                    part(std::numeric_limits<std::int64_t>::max())};
  };
  for (int round = 0; round < 20'000; ++round) {
    const auto value = any();
    const auto canonical = canonical_interval(value);
    REQUIRE(interval_length(canonical) == interval_length(value));
    auto other = value;  // the same length in other units
    other.months = static_cast<std::int32_t>(other.months / 2);
    const auto days = std::int64_t{value.days} + (std::int64_t{value.months} - other.months) * 30;
    if (days != static_cast<std::int32_t>(days)) continue;
    other.days = static_cast<std::int32_t>(days);
    REQUIRE(canonical_interval(other) == canonical);
  }
}

TEST_CASE("intervals of one length are one key, whatever their spelling") {
  const auto keys = std::move(canonical_key(intervals(spelled))).value();
  const auto index = std::move(group_index::make({keys->type()})).value();
  const auto* groups = index->add({keys}, keys->length());
  CHECK(std::vector<std::uint32_t>(groups, groups + keys->length()) ==
        std::vector<std::uint32_t>{0, 0, 1, 2, 2, 0, 3, 1, 4, 4, 3});
  // Rows are spread over instances and nodes by the hash.
  const auto hashes = must(flow::hash_keys({intervals(spelled)}, std::ssize(spelled)));
  CHECK(hashes[0] == hashes[1]);
  CHECK(hashes[0] == hashes[5]);
  CHECK(hashes[3] == hashes[4]);
  CHECK(hashes[6] == hashes[10]);
  CHECK(hashes[0] != hashes[6]);
  // Part of a column, whose bits of null do not begin at a byte.
  const auto part = std::move(canonical_key(intervals(spelled)->Slice(1, 5))).value();
  CHECK(part->IsNull(1));
  CHECK(part->null_count() == 1);
  CHECK(part->Slice(0, 1)->Equals(*keys->Slice(0, 1)));
}

TEST_CASE("groups of intervals show the spelling of their first row") {
  runner unit(
      "aggregate",
      R"~({"by": ["v"], "compute": {"n": "count(*)", "label": "v::text || ' x ' || count(*)", "d": "count(distinct v)"}})~",
      "id bigint, v interval");
  unit.feed(interval_rows(spelled)).end();
  CHECK(unit.lines() == lines{"30 days|3|30 days x 3|1", "null|2|null|0", "24:00:00|2|24:00:00 x 2|1",
                              "-30 days|2|-30 days x 2|1", "1 mon -30 days|2|1 mon -30 days x 2|1"});
}

TEST_CASE("the least and the greatest interval go by length, of equal ones that with more months and days") {
  for (const auto& order : {spelled, std::vector<std::string>(spelled.rbegin(), spelled.rend())}) {
    runner unit("aggregate",
                R"~({"compute": {"least": "min(v)", "greatest": "max(v)", "none": "min(v) filter (where id < 0)"}})~",
                "id bigint, v interval");
    unit.feed(interval_rows(order)).end();
    CHECK(unit.lines() == lines{"-30 days|1 mon|null"});
  }
}

TEST_CASE("distinct intervals, deduplicated rows and joined rows go by length") {
  runner distinct("aggregate", R"~({"compute": {"d": "count(distinct v)", "n": "count(v)"}})~",
                  "id bigint, v interval");
  distinct.feed(interval_rows(spelled)).end();
  CHECK(distinct.lines() == lines{"4|9"});

  for (const auto* own : {R"~(["v"])~", R"~({"by": ["v"], "order": ["id"]})~"}) {
    runner first("deduplicate", own, "id bigint, v interval");
    first.feed(interval_rows(spelled)).end();
    CHECK(first.lines() == lines{"0|30 days", "2|null", "3|24:00:00", "6|-30 days", "8|1 mon -30 days"});
  }

  const std::vector<input_port> sides = {{"a", schema_of("id bigint, v interval")},
                                         {"b", schema_of("bid bigint, v interval")}};
  runner joined("join", R"~({"using": ["v"]})~", sides);
  auto right = interval_rows({"1 mon", "1 day"});
  right.data = arrow::RecordBatch::Make(sides[1].schema, 2, right.data->columns());
  joined.feed(right, 1).end(1).feed(interval_rows(spelled), 0).end();
  CHECK(joined.lines() == lines{"0|30 days|0", "1|1 mon|0", "3|24:00:00|1", "4|1 day|1", "5|720:00:00|0"});
}
