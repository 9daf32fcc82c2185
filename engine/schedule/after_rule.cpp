#include "engine/schedule/after_rule.hpp"

#include <algorithm>
#include <utility>

namespace sluice::schedule {

namespace {

/// Sets that never become complete must not grow without end: the oldest are forgotten.
constexpr std::size_t most_open = 10'000;

}  // namespace

after_rule::after_rule(after_settings of, const options& state) : of_(std::move(of)) {
  if (!state.is_object() || !state.contains("open")) return;
  for (const auto& [key, set] : state["open"].items())
    for (const auto& [pipeline, one] : set.items())
      open_[key][pipeline] = {one.value("run", ""), one.value("time", std::int64_t{0})};
}

options after_rule::state() const {
  options open = options::object();
  for (const auto& [key, set] : open_) {
    options kept = options::object();
    for (const auto& [pipeline, one] : set) kept[pipeline] = options{{"run", one.run}, {"time", one.time}};
    open[key] = std::move(kept);
  }
  return options{{"open", std::move(open)}};
}

bool after_rule::concerns(const std::string& pipeline) const {
  return std::find(of_.pipelines.begin(), of_.pipelines.end(), pipeline) != of_.pipelines.end();
}

options after_rule::same_of(const upstream_end& what) const {
  options same = options::object();
  for (const auto& name : of_.same) {
    options value;
    if (what.params.is_object())
      if (const auto found = what.params.find(name); found != what.params.end()) value = *found;
    same[name] = std::move(value);
  }
  return same;
}

std::vector<upstream_set> after_rule::take(const upstream_end& what) {
  if (!concerns(what.pipeline)) return {};
  auto same = same_of(what);
  if (!of_.all) return {upstream_set{.runs = {what}, .params = std::move(same), .time = what.time}};
  const auto key = same.dump();
  auto& set = open_[key];
  set[what.pipeline] = {what.run, what.time};
  if (of_.within) std::erase_if(set, [&](const auto& one) { return what.time - one.second.time > *of_.within; });
  const bool complete =
      std::all_of(of_.pipelines.begin(), of_.pipelines.end(), [&](const auto& name) { return set.count(name) > 0; });
  if (complete) {
    upstream_set made{.params = std::move(same), .time = what.time};
    for (const auto& name : of_.pipelines)
      made.runs.push_back({.pipeline = name, .run = set[name].run, .time = set[name].time, .params = {}});
    open_.erase(key);
    return {std::move(made)};
  }
  if (open_.size() > most_open) {
    const auto newest_of = [](const auto& entry) {
      std::int64_t newest = 0;
      for (const auto& [name, one] : entry.second) newest = std::max(newest, one.time);
      return newest;
    };
    open_.erase(std::min_element(open_.begin(), open_.end(), [&](const auto& one, const auto& other) {
      return newest_of(one) < newest_of(other);
    }));
  }
  return {};
}

}  // namespace sluice::schedule
