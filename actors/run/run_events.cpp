#include "actors/run/run_events.hpp"

#include "engine/flow/retries.hpp"

namespace sluice::actors {

store::event event_of(const run_setup& run, std::string type, const std::string& unit, options data) {
  return {.run = run.run, .type = std::move(type), .unit = unit, .data = std::move(data)};
}

std::vector<store::event> what_failed(const run_setup& of, const error& why, std::optional<std::uint64_t> checkpoint) {
  std::vector<store::event> told;
  if (checkpoint)
    told.push_back(event_of(of, "checkpoint.failed", "", {{"epoch", *checkpoint}, {"cause", cause_to_options(why)}}));
  return told;
}

std::vector<store::event> first_events(const run_setup& of) {
  const auto& units = of.what->units;
  options data = {{"units", units.size()}};
  if (of.attempt > 1) {
    data["attempt"] = of.attempt;
    data["epoch"] = of.resume ? of.resume->epoch : 0;
    const auto* const type = of.refreshes ? "run.refreshed" : of.paused ? "run.resumed" : "run.recovered";
    return {event_of(of, type, "", std::move(data))};
  }
  if (of.resume) {
    data["continues"] = units.front().continues;
    data["epoch"] = of.resume->epoch;
  }
  std::vector<store::event> first = {event_of(of, "run.started", "", std::move(data))};
  for (const auto& unit : units)
    for (const auto& told : unit.reading.told)
      first.push_back(event_of(of, told["type"].get<std::string>(), unit.definition.name, told["data"]));
  return first;
}

namespace {

/// That of the first try, where all have failed of what may pass.
error cause_of_all(const run_setup& of, error last) {
  if (of.failures == 0 || !flow::may_pass(last)) return last;
  auto first = of.tries->first_cause;
  if (!first.hint.empty()) first.hint += "; ";
  first.hint += "it was tried " + std::to_string(of.failures + 1) +
                " times, the last time: " + (last.where.empty() ? "" : last.where + ": ") + last.message;
  return first;
}

}  // namespace

run_outcome outcome_of_run(const run_setup& of, run_outcome made) {
  made.attempt = of.attempt;
  made.failures = of.failures;
  if (of.tries) made.process = of.tries->process;
  if (made.state == store::run_state::failed && made.cause) made.cause = cause_of_all(of, std::move(*made.cause));
  if (made.state != store::run_state::restarting) return made;
  ++made.attempt;
  ++made.failures;
  return made;
}

decision::last_words last_words_of(const run_setup& of, const run_outcome& how,
                                   std::optional<std::chrono::microseconds> wait, std::uint64_t epoch,
                                   std::vector<store::event> events) {
  decision::last_words words{.state = how.state, .summary = to_options(how), .events = std::move(events)};
  const bool over = store::is_final(how.state);
  auto data = over ? words.summary : options{{"epoch", epoch}};
  if (wait && how.cause) {
    data["attempt"] = how.attempt;
    data["wait_microseconds"] = wait->count();
    data["cause"] = cause_to_options(*how.cause);
  }
  // It goes on at once, and tells then.
  if (how.refresh.empty())
    words.events.push_back(event_of(of, "run." + store::to_string(how.state), "", std::move(data)));
  // The first cause stays with a run until it ends.
  if (how.cause && (over || of.failures == 0)) words.cause = cause_to_options(*how.cause);
  if (over && of.failures > 0 && !words.cause) words.cause = options(nullptr);
  return words;
}

std::optional<error> over_limit(const plan& of, std::int64_t age, std::optional<std::int64_t> launching) {
  constexpr std::int64_t launch_limit = 60'000'000;
  const auto limit = of.definition.timeout_microseconds;
  if (limit && age >= *limit)
    return user_error("run_timed_out",
                      "the run did not end within run.timeout (" + std::to_string(*limit / 1000) + " ms)",
                      "raise run.timeout, or find out with `sluice status` what is slow");
  if (launching && *launching >= launch_limit)
    return external_error("launch_timed_out", "the units were not started within a minute", "see `sluice nodes`");
  return {};
}

}  // namespace sluice::actors
