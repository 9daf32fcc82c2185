#include "cluster/deployments.hpp"

#include "engine/plan/plan.hpp"
#include "engine/schedule/times.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::cluster {

namespace {

constexpr std::int64_t most_runs_of_backfill = 100'000;

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

error not_deployed(const std::string& pipeline) {
  return user_error("not_deployed", "the pipeline " + pipeline + " is not deployed",
                    "sluice deploy FILE deploys it, sluice pipelines lists those that are");
}

std::string text_at(const options& of, const char* key) {
  const auto found = of.find(key);
  return found != of.end() && found->is_string() ? found->text() : std::string();
}

std::map<std::string, std::string> texts_at(const options& of, const char* key) {
  std::map<std::string, std::string> texts;
  if (const auto found = of.find(key); found != of.end())
    for (const auto& [name, value] : found->items()) texts[name] = value.text();
  return texts;
}

options to_options(const std::map<std::string, std::string>& texts) {
  options made = options::object();
  for (const auto& [name, text] : texts) made[name] = text;
  return made;
}

store::event event_of(const char* type, const std::string& pipeline, options more) {
  store::event made;
  made.type = type;
  made.data = options{{"pipeline", pipeline}};
  for (const auto& [key, value] : more.items()) made.data[key] = value;
  return made;
}

/// The due times that a backfill is for.
result<std::vector<std::int64_t>> times_of(const backfill_request& what, const schedule::settings* of,
                                           const std::string& zone) {
  std::vector<std::int64_t> times;
  SLUICE_ASSIGN(const auto from, schedule::parse_time(what.from, zone));
  SLUICE_ASSIGN(const auto to, schedule::parse_time(what.to, zone));
  if (to < from)
    return user_error("invalid_backfill", "--to " + what.to + " is before --from " + what.from, "exchange the two");
  const auto too_many =
      user_error("invalid_backfill", "the backfill has more than " + std::to_string(most_runs_of_backfill) + " runs",
                 "divide it into several");
  if (what.every > 0) {
    SLUICE_ASSIGN(auto clock, zone_clock::find(zone));
    // Whole days go by the calendar, so that each begins at midnight whatever the clocks do.
    const bool days = what.every % microseconds_per_day == 0;
    const auto first = clock.to_local(from);
    for (std::int64_t at = 0;; ++at) {
      const auto next = days ? clock.to_utc(first + at * what.every) : from + at * what.every;
      if (next > to) return times;
      if (at >= most_runs_of_backfill) return too_many;
      times.push_back(next);
    }
  }
  const bool by_time = of != nullptr && (!of->cron.empty() || of->every > 0);
  if (!by_time)
    return user_error("invalid_backfill",
                      "the pipeline " + what.pipeline + " has no schedule by time, so the backfill has no due times",
                      "say how far they are apart, and which param gets their date: --param day --every 1d");
  for (auto at = from - 1;;) {
    SLUICE_ASSIGN(const auto next, schedule::next_due(*of, at));
    if (!next || *next > to) return times;
    if (static_cast<std::int64_t>(times.size()) >= most_runs_of_backfill) return too_many;
    times.push_back(*next);
    at = *next;
  }
}

std::string date_text(std::int64_t local) {
  return schedule::time_text(floor_div(local, microseconds_per_day) * microseconds_per_day).substr(0, 10);
}

}  // namespace

std::optional<config::loaded> load_deployed(const submission& what, const std::string& node_config,
                                            std::optional<std::int64_t> due_at, diagnostics& faults) {
  config::load_options given;
  given.set = what.params;
  given.base_folder = what.base_folder;
  given.due_at = due_at;
  given.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = what.environment.find(name);
    return found == what.environment.end() ? std::nullopt : std::optional(found->second);
  };
  if (!what.config.empty()) given.configs.push_back({.file = what.config_file, .text = what.config});
  if (!node_config.empty()) {
    auto own = config::read_config(node_config);
    if (!own.ok()) return faults.push_back(std::move(own).problem()), std::nullopt;
    own->environment = config::process_environment;
    given.configs.push_back(std::move(*own));
  }
  auto loaded = config::load_pipeline_text(what.text, what.file, given, faults);
  if (!loaded || !faults.empty()) return std::nullopt;
  return loaded;
}

result<deployed_answer> deploy_pipeline(store::store& in, const submission& what, const std::string& node_config,
                                        diagnostics& faults) {
  const auto loaded = load_deployed(what, node_config, {}, faults);
  if (!loaded) return faults.empty() ? internal_error("planning_failed", "the pipeline can't be read") : faults.front();
  store::deployed_pipeline made;
  made.name = loaded->definition.name;
  made.owner = loaded->definition.owner;
  made.submission = options{{"text", what.text},
                            {"file", what.file},
                            {"base_folder", what.base_folder},
                            {"params", to_options(what.params)},
                            {"environment", to_options(what.environment)},
                            {"config", what.config},
                            {"config_file", what.config_file}};
  if (loaded->schedule) made.schedule = schedule::to_options(*loaded->schedule);
  made.deployed = made.mark = now();
  // Rules concern what happens before the first run too: that it is late, or can't be planned.
  SLUICE_TRY(store::deliveries_of(in).subscribe(made.name, loaded->subscriptions));
  SLUICE_ASSIGN(const auto before, store::schedules_of(in).find(made.name));
  std::vector<store::event> events = {
      event_of(before ? "pipeline.replaced" : "pipeline.deployed", made.name,
               {{"schedule", loaded->schedule ? schedule::describe(*loaded->schedule) : "by hand"}})};
  SLUICE_ASSIGN(const bool replaced, store::schedules_of(in).deploy(made, events));
  return deployed_answer{.pipeline = made.name, .replaced = replaced, .schedule = made.schedule};
}

submission submission_of(const store::deployed_pipeline& what, const store::pending_start& start) {
  submission made;
  made.text = text_at(what.submission, "text");
  made.file = text_at(what.submission, "file");
  made.base_folder = text_at(what.submission, "base_folder");
  made.config = text_at(what.submission, "config");
  made.config_file = text_at(what.submission, "config_file");
  made.params = texts_at(what.submission, "params");
  made.environment = texts_at(what.submission, "environment");
  for (const auto& [name, value] : start.params.items())
    if (value.is_string()) made.params[name] = value.text();
  return made;
}

options origin_of(const store::pending_start& start) {
  options made = {{"reason", start.reason}, {"due", start.due}};
  if (!start.parents.empty()) made["parents"] = start.parents;
  if (!start.batch.empty()) made["backfill"] = start.batch;
  return made;
}

options deployed_to_json(const store::deployed_pipeline& what, const store::schedule_standing& standing,
                         std::int64_t at) {
  options made = {{"pipeline", what.name},
                  {"owner", what.owner},
                  {"paused", what.paused},
                  {"deployed", what.deployed},
                  {"file", text_at(what.submission, "file")}};
  const auto settings = schedule::from_options(what.schedule);
  made["schedule"] = settings.ok() ? schedule::describe(*settings) : "by hand";
  if (settings.ok() && !what.paused)
    if (const auto next = schedule::next_due(*settings, std::max(what.mark, at)); next.ok() && *next)
      made["next"] = **next;
  if (standing.last_success > 0) made["last_success"] = standing.last_success;
  if (standing.last_end > 0) made["last_end"] = standing.last_end;
  made["waiting"] = standing.waiting;
  made["late"] = standing.late_deadline > 0 && standing.last_success < standing.late_due;
  if (made["late"] == true) {
    made["late_due"] = standing.late_due;
    made["late_by_seconds"] = std::max<std::int64_t>(0, at - standing.late_deadline) / microseconds_per_second;
  }
  return made;
}

options start_to_json(const store::pending_start& what) {
  options made = {{"number", what.number},  {"pipeline", what.pipeline}, {"run", what.run},
                  {"due", what.due},        {"reason", what.reason},     {"state", store::to_string(what.state)},
                  {"created", what.created}};
  if (what.handled > 0) made["handled"] = what.handled;
  if (!what.params.empty()) made["params"] = what.params;
  if (!what.parents.empty()) made["parents"] = what.parents;
  if (!what.batch.empty()) made["backfill"] = what.batch;
  if (what.deadline > 0) made["deadline"] = what.deadline;
  if (what.judged > 0 && what.deadline > 0) made["in_time"] = what.judged == 1;
  if (!what.problem.empty()) made["problem"] = what.problem;
  return made;
}

result<backfill_answer> backfill_pipeline(store::store& in, const backfill_request& what,
                                          const std::string& node_config) {
  SLUICE_ASSIGN(const auto found, store::schedules_of(in).find(what.pipeline));
  if (!found) return not_deployed(what.pipeline);
  store::pending_start common;
  common.params = to_options(what.params);
  diagnostics faults;
  auto submitted = submission_of(*found, common);
  if (!what.param.empty()) submitted.params[what.param] = "2000-01-01";
  const auto loaded = load_deployed(submitted, node_config, {}, faults);
  if (!loaded) return faults.empty() ? internal_error("planning_failed", "the pipeline can't be read") : faults.front();
  if (uses_source_state(loaded->definition))
    return user_error("invalid_backfill",
                      "the pipeline " + what.pipeline +
                          " has sources that remember what runs have read: each run takes what is new, whatever its "
                          "due time is",
                      "sluice state reset makes them read everything again");
  const auto settings = schedule::from_options(found->schedule);
  const auto zone = settings.ok() ? settings->timezone : loaded->definition.timezone;
  SLUICE_ASSIGN(const auto times, times_of(what, settings.ok() ? &*settings : nullptr, zone));
  if (times.empty())
    return user_error("invalid_backfill", "there is no due time from " + what.from + " to " + what.to,
                      "sluice pipelines shows the schedule");
  SLUICE_ASSIGN(auto clock, zone_clock::find(zone));
  backfill_answer made{.batch = uuid_v7(),
                       .runs = static_cast<std::int64_t>(times.size()),
                       .first = times.front(),
                       .last = times.back()};
  std::vector<store::pending_start> starts;
  for (const auto due : times) {
    auto one = common;
    one.pipeline = what.pipeline;
    one.key = "backfill\n" + made.batch + "\n" + std::to_string(due);
    one.due = due;
    one.reason = "backfill";
    one.batch = made.batch;
    one.concurrency = what.concurrency;
    one.parents = options::array();
    if (!what.param.empty()) one.params[what.param] = date_text(clock.to_local(due));
    starts.push_back(std::move(one));
  }
  SLUICE_ASSIGN(const auto added, store::schedules_of(in).add(starts));
  (void)added;
  return made;
}

result<std::string> trigger_pipeline(store::store& in, const std::string& pipeline, const std::string& key,
                                     const std::map<std::string, std::string>& params, const char* reason,
                                     std::int64_t due) {
  store::pending_start made;
  made.pipeline = pipeline;
  made.key = std::string(reason) + "\n" + pipeline + "\n" + (key.empty() ? uuid_v7() : key);
  made.due = due;
  made.reason = reason;
  made.params = to_options(params);
  made.parents = options::array();
  SLUICE_ASSIGN(const auto added, store::schedules_of(in).add({made}));
  (void)added;
  return store::run_of_start(made.key);
}

}  // namespace sluice::cluster
