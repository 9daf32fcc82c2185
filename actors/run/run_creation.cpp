#include "actors/run/run_creation.hpp"

#include "actors/run/next_try.hpp"
#include "actors/units/guarded.hpp"

#include <algorithm>
#include <utility>

namespace sluice::actors {

namespace {

/// Those who can't be told now hear of it when they look.
std::vector<store::event> events_of(store::store& in, const std::string& run, std::int64_t most) {
  auto found = guarded("read events", [&] { return in.events(0, run, most); });
  return found.ok() ? std::move(found).value() : std::vector<store::event>();
}

/// A run whose process has died, and that is tried again here.
created_run adopt(store::store& in, const run_setup& setup) {
  const auto taken = guarded("take the run over", [&] { return take_over(in, setup); });
  if (!taken.ok()) return {.refused = taken.problem()};
  run_outcome how;
  how.run = setup.run;
  how.state = taken->state;
  how.cause = taken->problem;
  how.attempt = setup.attempt;
  how.failures = setup.failures;
  how.process = setup.tries->process;
  how.duration_microseconds = setup.tries->spent;
  const bool goes_on = taken->state == store::run_state::restarting || taken->state == store::run_state::paused;
  if (!goes_on) return {.ended = std::make_shared<const run_outcome>(how)};
  how.cause = setup.died_of;
  auto here = setup;
  here.record.term = taken->term;
  auto next = guarded("prepare the next try", [&] { return next_try(in, here, how); });
  if (next.ok()) return {.next = std::move(next).value()};
  // It ends like any other run that can't begin.
  here.died_of = next.problem();
  return {.next = std::make_shared<const run_setup>(std::move(here))};
}

}  // namespace

created_run create_run(store::store& in, const run_setup& setup, const store::run_record& record) {
  if (setup.died_of) return adopt(in, setup);
  std::vector<store::event> events;
  // Of runs that a schedule or another run starts, their origin tells; those of term 0 are no node's.
  if (record.term > 0 && !record.context.contains("origin"))
    events.push_back(
        {.type = "pipeline.submitted", .data = {{"pipeline", record.pipeline}, {"submitted_run", setup.run}}});
  events.push_back({.run = setup.run, .type = "run.queued", .data = {{"pipeline", setup.record.pipeline}}});
  const auto made = guarded("write the run's state", [&] { return in.create_run(record, events); });
  if (!made.ok()) return look_for_run(in, setup, made.problem());
  if (!*made) return {.refused = internal_error("run_exists", "a run with the id " + setup.run + " exists")};
  return {.first = events_of(in, setup.run, 1)};
}

bool all_ended(store::store& in, const std::vector<std::string>& runs) {
  return std::all_of(runs.begin(), runs.end(), [&](const std::string& id) {
    const auto found = guarded("read the run's state", [&] { return in.find_run(id); });
    return found.ok() && store::is_final(found->state);
  });
}

created_run look_for_run(store::store& in, const run_setup& setup, const error& problem) {
  auto first = guarded("read events", [&] { return in.events(0, setup.run, 1); });
  if (!first.ok()) return {.unclear = problem};
  if (first->empty()) return {.refused = problem};
  return {.first = std::move(first).value()};
}

}  // namespace sluice::actors
