#include "engine/plan/refresh.hpp"

#include "engine/component/refreshes.hpp"

#include <vector>

namespace sluice {

namespace {

/// Whether an edge leads into the input that its receiver reads again.
bool is_read_again(const plan& of, const planned_edge& edge) {
  const auto& to = of.units[static_cast<std::size_t>(edge.to_unit)];
  return to.refresh && to.refreshed_input == edge.to_input;
}

}  // namespace

refresh_group refresh_group_of(const plan& of, std::uint32_t unit) {
  refresh_group made;
  made.joins.insert(unit);
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& edge : of.edges) {
      const auto from = static_cast<std::uint32_t>(edge.from_unit), to = static_cast<std::uint32_t>(edge.to_unit);
      const bool again = is_read_again(of, edge);
      if ((again && made.joins.contains(to)) || made.afresh.contains(to)) grown |= made.afresh.insert(from).second;
      if (again && made.afresh.contains(from)) grown |= made.joins.insert(to).second;
    }
  }
  return made;
}

void choose_refreshes(draft& of, diagnostics& faults) {
  auto& units = of.made.units;
  for (std::size_t at = 0; at < units.size(); ++at) {
    const auto* const wish = dynamic_cast<const refreshes*>(of.transforms[at].get());
    if (wish == nullptr || !wish->refresh()) continue;
    units[at].refresh = wish->refresh();
    units[at].refreshed_input = wish->refreshed_input();
  }
  for (std::size_t at = 0; at < units.size(); ++at) {
    if (!units[at].refresh) continue;
    const auto& definition = units[at].definition;
    const auto path = "/" + definition.component + "/refresh";
    const auto group = refresh_group_of(of.made, static_cast<std::uint32_t>(at));
    for (const auto& edge : of.made.edges) {
      const auto from = static_cast<std::uint32_t>(edge.from_unit), to = static_cast<std::uint32_t>(edge.to_unit);
      if (!group.afresh.contains(from) || group.afresh.contains(to) || is_read_again(of.made, edge)) continue;
      const auto& shared = units[from].definition.name;
      faults.push_back(unit_fault(definition, path, "refresh_shared",
                                  "refresh reads " + shared + " again, and " + units[to].definition.name +
                                      " reads it too: it would get the same rows again",
                                  "give the join its own source, or remove refresh"));
      break;
    }
    if (of.made.checkpoint_interval()) continue;
    of.made.warnings.push_back(unit_fault(definition, path, "refresh_once",
                                          "the run has an end and takes no checkpoints: its right input is read once",
                                          "remove refresh, or take checkpoints: run: { checkpoint: 10s }"));
  }
}

}  // namespace sluice
