#include "actors/run/down_units.hpp"

#include "actors/run/run_events.hpp"
#include "engine/component/down_board.hpp"
#include "engine/secrets/mask.hpp"

namespace sluice::actors {

std::vector<store::event> down_units::look(const run_setup& of) {
  std::vector<store::event> told;
  for (const auto& unit : of.what->units) {
    const auto& name = unit.definition.name;
    if (unit.definition.role != unit_role::load) continue;
    const auto state = down_board::find(of.run, name);
    if (state.has_value() == down_.contains(name)) continue;
    if (state) {
      down_.insert(name);
      told.push_back(
          event_of(of, "unit.down", name, {{"since", state->since}, {"message", secrets::mask(state->why)}}));
    } else {
      down_.erase(name);
      told.push_back(event_of(of, "unit.reached", name));
    }
  }
  return told;
}

}  // namespace sluice::actors
