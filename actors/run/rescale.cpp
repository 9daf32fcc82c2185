#include "actors/run/rescale.hpp"

#include "actors/run/next_try.hpp"
#include "actors/units/guarded.hpp"
#include "engine/plan/rescale.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

store::event event_of(const std::string& type, const run_setup& of, const scaling& to,
                      const std::shared_ptr<const run_setup>& next) {
  const auto index = to.what->find(to.unit);
  return {.run = of.run,
          .type = type,
          .unit = to.unit,
          .data = {{"from", to.before},
                   {"to", to.what->units[static_cast<std::size_t>(*index)].parallelism},
                   {"epoch", next->resume ? next->resume->epoch : 0}}};
}

/// The plan counts from here on, also for whoever takes the run over.
result<std::vector<store::event>> keep(store::store& in, const run_setup& of, const scaling& to,
                                       const std::shared_ptr<const run_setup>& next) {
  const auto& record = of.record;
  store::change change{.run = of.run, .term = record.term};
  change.plan = {record.fingerprint, plan_to_bytes(*to.what), record.context, {}};
  change.events.push_back(event_of("run.scaled", of, to, next));
  return guarded("write the run's plan", [&] { return in.apply(change); });
}

}  // namespace

result<scaling> scale(const run_setup& of, const scale_run& how) {
  if (!of.what->checkpoint_interval())
    return user_error("no_checkpoints", "run " + of.run + " takes no checkpoints", "run: { checkpoint: 10s }");
  scaling made{.unit = how.unit};
  const auto instances = static_cast<int>(std::clamp<std::int64_t>(how.instances, 0, 1'000'000));
  SLUICE_ASSIGN(auto what, guarded("plan the run anew",
                                   [&] { return with_parallelism(*of.what, how.unit, instances, *of.context); }));
  made.before = of.what->units[static_cast<std::size_t>(*of.what->find(how.unit))].parallelism;
  made.what = std::make_shared<const plan>(std::move(what));
  return made;
}

result<scaled_run> next_scaled(store::store& in, const run_setup& before, const run_outcome& how, const scaling& to) {
  auto wider = before;
  wider.what = to.what;
  auto next = guarded("scale the run", [&] { return next_try(in, wider, how); });
  auto kept = next.ok() ? keep(in, before, to, *next) : result<std::vector<store::event>>(next.problem());
  if (kept.ok()) return scaled_run{.next = std::move(*next), .told = std::move(*kept)};
  SLUICE_ASSIGN(auto same, next_try(in, before, how));
  auto told = event_of("run.scale_failed", before, to, same);
  told.data["cause"] = cause_to_options(kept.problem());
  store::change change{.run = before.run, .term = before.record.term};
  change.events.push_back(std::move(told));
  SLUICE_ASSIGN(auto written, in.apply(change));
  return scaled_run{.next = std::move(same), .told = std::move(written)};
}

}  // namespace sluice::actors
