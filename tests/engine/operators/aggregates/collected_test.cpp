#include "tests/support/collector.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::string columns = "k bigint, x double, t text";
const std::string calls = R"j({"by": ["k"], "compute": {
  "low": "percentile_cont(0.25) within group (order by x)",
  "high": "percentile_cont(0.9) within group (order by x desc)",
  "half": "median(x)",
  "all": "string_agg(t, ', ')"}})j";

struct group {
  std::vector<double> values;
  std::string text;
};

// Batches in the input's order, and what is in each group.
std::vector<batch> made_up(int batches, bool clustered, std::map<std::string, group>& groups,
                           std::vector<std::string>& order) {
  std::mt19937_64 random(17);
  std::vector<batch> all;
  for (int number = 0; number < batches; ++number) {
    arrow::Int64Builder k;
    arrow::DoubleBuilder x;
    arrow::StringBuilder t;
    for (int row = 0; row < 500; ++row) {
      const auto key = clustered ? (number * 500 + row) / 7 : static_cast<std::int64_t>(random() % 90);
      (void)k.Append(key);
      const auto name = std::to_string(key);
      if (!groups.contains(name)) order.push_back(name);
      auto& own = groups[name];
      if (random() % 10 == 0) {
        (void)x.AppendNull();
        (void)t.AppendNull();
        continue;
      }
      const double value = static_cast<double>(random() % 1000) / 4 - 100;
      own.values.push_back(value);
      (void)x.Append(value);
      const auto text = std::string(random() % 12, 'a') + std::to_string(row);
      own.text += (own.text.empty() ? "" : ", ") + text;
      (void)t.Append(text);
    }
    all.push_back(
        batch_of(schema_of(columns), {k.Finish().ValueOrDie(), x.Finish().ValueOrDie(), t.Finish().ValueOrDie()}));
    all.back().order = {.split = static_cast<std::uint32_t>(number)};
  }
  return all;
}

double percentile(std::vector<double> values, double fraction, bool descending = false) {
  std::sort(values.begin(), values.end());
  if (descending) std::reverse(values.begin(), values.end());
  const double at = fraction * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(at));
  const double part = at - std::floor(at);
  return part == 0 ? values[low] : values[low] + part * (values[low + 1] - values[low]);
}

lines expected(const std::map<std::string, group>& groups, const std::vector<std::string>& order) {
  lines all;
  for (const auto& name : order) {
    const auto& own = groups.at(name);
    arrow::DoubleBuilder numbers;
    if (own.values.empty()) {
      all.push_back(name + "|null|null|null|null");
      continue;
    }
    (void)numbers.Append(percentile(own.values, 0.25));
    (void)numbers.Append(percentile(own.values, 0.9, true));
    (void)numbers.Append(percentile(own.values, 0.5));
    const auto made = numbers.Finish().ValueOrDie();
    auto line = name;
    for (std::int64_t i = 0; i < 3; ++i) line += "|" + value_text(*made, i);
    all.push_back(line + "|" + own.text);
  }
  return all;
}

}  // namespace

TEST_CASE("percentiles and joined texts are those of the input's order, in whatever order batches come") {
  for (const bool clustered : {false, true}) {
    std::map<std::string, group> groups;
    std::vector<std::string> order;
    auto in = made_up(12, clustered, groups, order);
    const auto wanted = expected(groups, order);
    runner first("aggregate", calls, columns);
    for (const auto& one : in) first.feed(one);
    first.end();
    CHECK(first.lines() == wanted);
    runner mixed("aggregate", calls, columns);
    std::shuffle(in.begin(), in.end(), std::mt19937_64(3));
    for (const auto& one : in) mixed.feed(one);
    mixed.end();
    CHECK(mixed.lines() == wanted);
  }
}

TEST_CASE("percentiles and joined texts go on from a state that was saved, also one whose results were read") {
  std::map<std::string, group> groups;
  std::vector<std::string> order;
  const auto in = made_up(10, false, groups, order);
  runner before("aggregate", calls, columns);
  for (int i = 0; i < 4; ++i) before.feed(in[static_cast<std::size_t>(i)]);
  (void)must(before.unit().state(key_groups{}));
  for (int i = 4; i < 6; ++i) before.feed(in[static_cast<std::size_t>(i)]);
  const auto parts = must(before.unit().state(key_groups{}));
  runner after("aggregate", calls, columns);
  must(after.unit().restore(parts));
  for (int i = 6; i < 10; ++i) after.feed(in[static_cast<std::size_t>(i)]);
  must(after.try_end());
  CHECK(after.lines() == expected(groups, order));
}

TEST_CASE("fractions of one argument share a state") {
  const auto peak = [](const std::string& own) {
    std::map<std::string, group> groups;
    std::vector<std::string> order;
    runner unit("aggregate", own, columns);
    for (const auto& one : made_up(20, false, groups, order)) unit.feed(one);
    unit.end();
    return unit.context.memory->peak();
  };
  const auto one = peak(R"j({"by": ["k"], "compute": {"a": "median(x)"}})j");
  CHECK(peak(R"j({"by": ["k"], "compute": {"a": "median(x)", "b": "percentile_cont(0.1) within group (order by x)",
                 "c": "percentile_cont(0.9) within group (order by x desc)"}})j") == one);
}
