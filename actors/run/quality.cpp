#include "actors/run/quality.hpp"

#include "actors/run/run_events.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

options to_options(const rule_result& of) {
  options made = {{"rule", of.rule}, {"action", of.severity}, {"checked", of.checked}, {"broken", of.broken}};
  if (!of.allowed.empty()) made["allowed"] = of.allowed;
  if (!of.message.empty()) made["message"] = of.message;
  made["outcome"] = of.fails ? "failed" : of.broken == 0 || of.within_limit ? "passed" : "warned";
  return made;
}

}  // namespace

std::vector<rule_result> quality::of_unit(std::uint32_t unit) const {
  std::vector<rule_result> all;
  const auto found = results_.find(unit);
  if (found == results_.end()) return all;
  for (const auto& [instance, results] : found->second) {
    if (all.size() < results.size()) all.resize(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      auto& sum = all[i];
      const auto& one = results[i];
      if (sum.rule.empty()) {
        sum = one;
        continue;
      }
      sum.checked += one.checked;
      sum.broken += one.broken;
      sum.within_limit = sum.within_limit && one.within_limit;
      sum.fails = sum.fails || one.fails;
      if (sum.message.empty()) sum.message = one.message;
    }
  }
  return all;
}

options quality::unit_options(std::uint32_t unit) const {
  options all;
  for (const auto& one : of_unit(unit)) all.push_back(to_options(one));
  return all;
}

void quality::add_to(options& summary) const {
  if (!summary.is_object() || !summary.contains("units")) return;
  auto& units = summary["units"];
  for (std::uint32_t unit = 0; unit < units.size(); ++unit)
    if (auto rules = unit_options(unit); !rules.is_null()) units[unit]["rules"] = std::move(rules);
}

std::vector<store::event> quality::news(const run_setup& of, std::uint32_t unit) {
  std::vector<store::event> events;
  const auto results = of_unit(unit);
  auto& known = told_[unit];
  known.resize(std::max(known.size(), results.size()));
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto& one = results[i];
    auto& before = known[i];
    const bool warned = !one.fails && !one.within_limit && one.broken > before.broken;
    if (!warned && !(one.fails && !before.failed)) continue;
    before = {.broken = one.broken, .failed = one.fails};
    events.push_back(event_of(of, one.fails ? "quality.failed" : "quality.warned", plan_.units[unit].definition.name,
                              to_options(one)));
  }
  return events;
}

std::vector<store::event> quality::news(const run_setup& of) {
  std::vector<store::event> events;
  for (const auto& [unit, instances] : results_)
    for (auto& one : news(of, unit)) events.push_back(std::move(one));
  return events;
}

}  // namespace sluice::actors
