#include "actors/run/order_wanted.hpp"

#include "actors/units/guarded.hpp"
#include "engine/component/component.hpp"

namespace sluice::actors {

namespace {

bool passes_order_on(const run_setup& of, const planned_edge& edge) {
  const auto& unit = of.what->units[static_cast<std::size_t>(edge.to_unit)];
  if (edge.to_input != 0 || unit.definition.role != unit_role::transform) return false;
  const auto made =
      guarded("make the unit", [&] { return of.components.make_transform(*of.what, edge.to_unit, *of.context); });
  return !made.ok() || (*made)->keeps_order();
}

}  // namespace

bool order_wanted(const run_setup& of, int unit) {
  for (const int index : of.what->edges_from(unit)) {
    const auto& edge = of.what->edges[static_cast<std::size_t>(index)];
    if (!edge.ordered) continue;
    if (edge.restore_order || (passes_order_on(of, edge) && order_wanted(of, edge.to_unit))) return true;
  }
  return false;
}

}  // namespace sluice::actors
