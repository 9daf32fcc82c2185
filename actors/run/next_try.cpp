#include "actors/run/next_try.hpp"

#include "actors/run/resume_run.hpp"
#include "actors/units/guarded.hpp"
#include "engine/component/component.hpp"
#include "engine/flow/retries.hpp"
#include "engine/plan/refresh.hpp"
#include "engine/runs/commits.hpp"
#include "engine/runs/lost_runs.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

/// Whether its sources can be read from their beginning, although something has read them: standard input can't.
status can_begin_again(const run_setup& of) {
  const auto& what = *of.what;
  for (std::size_t at = 0; at < what.units.size(); ++at) {
    const auto& unit = what.units[at].definition;
    if (unit.role != unit_role::extract) continue;
    // Queries are not replayable behind a position, but from their beginning.
    const auto* known = find_component(component_kind::source, unit.component);
    if (known != nullptr && !known->spec.replayable) continue;
    SLUICE_ASSIGN(const auto made, guarded("make the source", [&] {
                    return of.components.make_source(what, static_cast<int>(at), *of.context);
                  }));
    if (made->replayable()) continue;
    return external_error("not_replayable",
                          "the run can't be tried again: what unit " + unit.name + " reads can be read only once",
                          "write its data to a file, and read the file");
  }
  return {};
}

}  // namespace

std::optional<std::chrono::microseconds> wait_before_next(const run_setup& of, const error& why,
                                                          std::uint64_t completed) {
  if (!flow::may_pass(why)) return {};
  const auto& rule = of.what->definition.retry;
  const bool loss = why.code == "node_lost" || why.code == "link_broken" || why.code == "not_adopted";
  if (!rule && !loss) return {};
  const bool goes_on = !rule && completed > (of.resume ? of.resume->epoch : 0);
  return flow::wait_after(rule.value_or(after_loss), goes_on ? 1 : of.failures + 1, of.context->seed);
}

std::chrono::microseconds wait_of(const run_setup& next) {
  return flow::wait_after(next.what->definition.retry.value_or(after_loss), next.failures, next.context->seed)
      .value_or(std::chrono::microseconds(0));
}

namespace {

/// The checkpoint without what is read again; notes when that was.
std::shared_ptr<const resume_point> read_again(run_setup& next, const std::set<std::uint32_t>& units) {
  auto point = std::make_shared<resume_point>(*next.resume);
  for (const auto unit : units) {
    const auto group = refresh_group_of(*next.what, unit);
    point->refreshed.insert(group.joins.begin(), group.joins.end());
    point->afresh.insert(group.afresh.begin(), group.afresh.end());
  }
  for (const auto unit : point->refreshed) next.read_at[unit] = std::chrono::steady_clock::now();
  for (const auto unit : point->afresh) {
    const auto& name = next.what->units[unit].definition.name;
    point->snapshot.sources.erase(name);
    point->snapshot.inputs.erase(name);
    point->snapshot.watermarks.erase(name);
  }
  return point;
}

/// Losses count against a run without `run.retry` only as long as it gets no further; of one whose process has died
/// find_lost_try knows.
std::uint32_t failures_with(const run_setup& before, const run_setup& next) {
  const bool further =
      !before.died_of && next.resume && next.resume->epoch > (before.resume ? before.resume->epoch : 0);
  return further && !before.what->definition.retry ? 1 : before.failures + 1;
}

result<std::shared_ptr<const run_setup>> prepare(store::store& in, const run_setup& before, const run_outcome& how) {
  auto next = std::make_shared<run_setup>(before);
  next->attempt = before.attempt + 1;
  next->died_of.reset();
  next->refreshes = !how.refresh.empty();
  next->paused = how.state == store::run_state::paused && !next->refreshes;
  const bool failed = how.state != store::run_state::paused;
  next->sources = std::make_shared<shared_sources>();
  auto tries = before.tries ? *before.tries : earlier_tries{.first_cause = how.cause.value_or(error{})};
  if (before.failures == 0 && how.cause) tries.first_cause = *how.cause;
  SLUICE_ASSIGN(auto again, continue_run(in, before));
  next->resume = std::move(again.from);
  next->failures = failed ? failures_with(before, *next) : before.failures;
  tries.spent = how.duration_microseconds + (failed ? wait_of(*next).count() : 0);
  next->tries = std::make_shared<const earlier_tries>(std::move(tries));
  if (next->refreshes && next->resume != nullptr) next->resume = read_again(*next, how.refresh);
  if (again.what) next->what = std::move(again.what);
  if (next->resume == nullptr) SLUICE_TRY(can_begin_again(before));
  // What can't be reached now is asked again by the sinks of the next try.
  (void)keep_prepared(*next->what, *next->context, next->components.make_sink,
                      next->resume ? next->resume->held : std::vector<store::prepared_sink>());
  return std::shared_ptr<const run_setup>(std::move(next));
}

}  // namespace

result<std::shared_ptr<const run_setup>> next_try(store::store& in, const run_setup& before, const run_outcome& how) {
  auto made = prepare(in, before, how);
  // It ends here. With checkpoints only the Store knows what may not be removed.
  if (!made.ok() && !before.what->checkpoint_interval())
    (void)keep_prepared(*before.what, *before.context, before.components.make_sink, {});
  if (made.ok() || !how.cause) return made;
  auto why = *how.cause;
  why.hint += (why.hint.empty() ? "" : "; ") + ("it could not be tried again: " + made.problem().message);
  return why;
}

result<taken_over> take_over(store::store& in, const run_setup& how) {
  const auto& rule = how.what->definition.retry;
  const auto wait = flow::wait_after(rule.value_or(after_loss), how.failures + 1, how.context->seed);
  death seen{.cause = *how.died_of, .state = store::run_state::restarting, .process = how.tries->process};
  seen.restarting = {{"attempt", how.attempt + 1},
                     {"failures", how.failures + 1},
                     {"wait_microseconds", wait.value_or(std::chrono::microseconds(0)).count()}};
  SLUICE_ASSIGN(const auto settled, settle_lost_run(in, how.run, seen, how.components.make_sink));
  if (!settled)
    return user_error("run_is_final", "run " + how.run + " has ended, or another process continues it",
                      "sluice status " + how.run + " shows it");
  taken_over made{.state = settled->state, .term = settled->term, .problem = settled->problem};
  if (settled->state != store::run_state::restarting && settled->state != store::run_state::paused) return made;
  store::change home{.run = how.run, .term = settled->term};
  home.home = store::run_home{.pid = how.record.pid,
                              .pid_started = how.record.pid_started,
                              .node = how.record.node,
                              .endpoint = how.record.endpoint};
  SLUICE_ASSIGN(const auto none, in.apply(home));
  (void)none;
  return made;
}

}  // namespace sluice::actors
