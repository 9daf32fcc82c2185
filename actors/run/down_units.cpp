#include "actors/run/down_units.hpp"

#include "actors/run/run_events.hpp"

namespace sluice::actors {

std::vector<store::event> down_units::look(const run_setup& of, const instance_reports& reports) {
  std::vector<store::event> told;
  for (std::uint32_t unit = 0; unit < of.what->units.size(); ++unit) {
    const auto& name = of.what->units[unit].definition.name;
    const auto state = reports.down(unit);
    if (state.has_value() == down_.contains(unit)) continue;
    if (state) {
      down_.insert(unit);
      told.push_back(event_of(of, "unit.down", name, {{"since", state->since}, {"message", state->why}}));
    } else {
      down_.erase(unit);
      told.push_back(event_of(of, "unit.reached", name));
    }
  }
  return told;
}

}  // namespace sluice::actors
