#include "engine/runs/next_part.hpp"

namespace sluice {

flow::run_snapshot next_part(const plan& of, const flow::run_snapshot& at_end) {
  flow::run_snapshot made;
  for (const auto& unit : of.units) {
    if (!unit.stops) continue;
    const auto& name = unit.definition.name;
    const auto read = at_end.sources.find(name);
    if (read == at_end.sources.end()) continue;
    for (const auto& [id, one] : read->second)
      made.sources[name][id] = {.split = id, .position = one.position, .latest = one.latest};
    if (const auto risen = at_end.watermarks.find(name); risen != at_end.watermarks.end())
      made.watermarks[name] = risen->second;
  }
  for (const auto& one : at_end.instances) {
    if (one.state.name.empty() && one.held == 0) continue;
    flow::instance_snapshot kept{.held = one.held, .state = one.state};
    kept.report.who = one.report.who;
    made.instances.push_back(std::move(kept));
  }
  return made;
}

}  // namespace sluice
