#include "engine/runs/settle_left.hpp"

#include "engine/component/settles_later.hpp"

#include <exception>

namespace sluice {

namespace {

status settle_unit(const plan& of, int unit, const run_context& context, const sink_maker& make,
                   interrupt_switch<sink>* stop) {
  try {
    SLUICE_ASSIGN(const auto made, make(of, unit, context));
    auto* const later = dynamic_cast<settles_later*>(made.get());
    if (later == nullptr) return {};
    if (stop != nullptr) stop->connect(made.get());
    auto done = later->settle();
    if (stop != nullptr) stop->connect(nullptr);
    return done;
  } catch (const std::exception& problem) {
    if (stop != nullptr) stop->connect(nullptr);
    return internal_error("component_threw", std::string("can't load what was left: ") + problem.what());
  }
}

}  // namespace

void settle_left(const plan& of, const run_context& context, const sink_maker& make,
                 std::vector<sink_outcome>& outcomes, interrupt_switch<sink>* stop) {
  for (auto& one : outcomes) {
    const auto unit = of.find(one.what.unit);
    if (one.problem || !unit) continue;
    if (auto done = settle_unit(of, *unit, context, make, stop); !done.ok()) one.problem = std::move(done).problem();
  }
}

}  // namespace sluice
