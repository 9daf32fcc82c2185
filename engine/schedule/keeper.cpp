#include "engine/schedule/keeper.hpp"

#include "engine/files/glob.hpp"
#include "engine/runs/refusal.hpp"
#include "engine/schedule/after_rule.hpp"
#include "engine/schedule/file_arrival.hpp"
#include "engine/schedule/times.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/calendar.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::schedule {

namespace {

constexpr std::int64_t second = microseconds_per_second;
constexpr std::int64_t events_at_once = 1000;
/// How far the event log was read is kept with what was found in it; without anything, once in so many events.
constexpr std::int64_t most_unkept = 500;
constexpr std::int64_t most_tries = 8;
constexpr std::int64_t longest_pause = 60 * second;
constexpr std::size_t most_named = 20;

void look_by(keeper_turn& turn, std::int64_t at) {
  if (!turn.next || at < *turn.next) turn.next = at;
}

store::event event_of(const char* type, const std::string& pipeline, options more) {
  store::event made;
  made.type = type;
  made.data = options{{"pipeline", pipeline}};
  for (const auto& [key, value] : more.items()) made.data[key] = value;
  return made;
}

store::schedule_step step_of(const store::deployed_pipeline& what) {
  return {.pipeline = what.name,
          .revision = what.revision,
          .mark = what.mark,
          .cursor = what.cursor,
          .state = what.state,
          .starts = {},
          .events = {}};
}

result<store::pending_start> start_of(const store::deployed_pipeline& what, const settings& of, const char* reason,
                                      const std::string& cause, std::int64_t due) {
  store::pending_start made;
  made.pipeline = what.name;
  made.key = std::string(reason) + "\n" + what.name + "\n" + cause;
  made.due = due;
  made.reason = reason;
  made.params = options::object();
  made.parents = options::array();
  SLUICE_ASSIGN(made.deadline, deadline_of(of, due));
  return made;
}

result<std::map<std::string, file_arrival::seen>> files_there(const std::string& pattern, const std::string& folder) {
  std::map<std::string, file_arrival::seen> there;
  SLUICE_ASSIGN(const auto paths, expand_glob(pattern, folder));
  for (const auto& path : paths) {
    struct stat about {};
    const auto whole = path.starts_with('/') ? path : folder + "/" + path;
    if (::stat(whole.c_str(), &about) != 0) continue;  // it has gone again
    there[path] = {about.st_size, std::int64_t{about.st_mtim.tv_sec} * second + about.st_mtim.tv_nsec / 1000};
  }
  return there;
}

/// Ends of upstream runs in the event log. A run that was drained ends well, but nothing starts from it.
class ends_in_log {
 public:
  ends_in_log(const settings& of, const options& state) : rule_(*of.after, state) {
    if (state.is_object() && state.contains("drained"))
      for (const auto& run : state["drained"]) drained_.insert(run.text());
  }

  result<std::vector<upstream_set>> take(store::store& in, const store::event& what) {
    if (!rule_.concerns(what.pipeline) || what.run.empty()) return std::vector<upstream_set>();
    if (what.type == "run.drained") {
      changed = drained_.insert(what.run).second || changed;
      return std::vector<upstream_set>();
    }
    const bool good = what.type == "run.succeeded" || (what.type == "run.partial" && rule_.settings().partial);
    const bool end = good || what.type == "run.partial" || what.type == "run.failed" || what.type == "run.cancelled";
    if (!end) return std::vector<upstream_set>();
    const bool drained = drained_.erase(what.run) > 0;
    changed = changed || drained;
    if (!good || drained) return std::vector<upstream_set>();
    changed = true;
    upstream_end ended{.pipeline = what.pipeline, .run = what.run, .time = what.time, .params = {}};
    if (!rule_.settings().same.empty()) {
      SLUICE_ASSIGN(ended.params, store::deliveries_of(in).params_of(what.run));
    }
    return rule_.take(ended);
  }

  [[nodiscard]] options state() const {
    auto kept = rule_.state();
    kept["drained"] = std::vector<std::string>(drained_.begin(), drained_.end());
    return kept;
  }

  bool changed = false;

 private:
  after_rule rule_;
  std::set<std::string> drained_;
};

}  // namespace

result<keeper_turn> keeper::look() {
  keeper_turn turn;
  auto& log = store::schedules_of(*store_);
  SLUICE_ASSIGN(const auto all, log.deployed());
  for (const auto& one : all) {
    if (one.paused || !one.schedule.is_object()) continue;
    // One that can't be followed, because its zone or folder is missing, holds no other one up.
    if (const auto followed = follow(one, turn); !followed.ok())
      turn.problems.push_back("the schedule of " + one.name + ": " + followed.problem().message);
  }
  SLUICE_TRY(judge(turn));
  SLUICE_ASSIGN(turn.ready, log.ready(now()));
  SLUICE_ASSIGN(const auto next, log.next_time(now()));
  if (next) look_by(turn, *next);
  return turn;
}

status keeper::follow(const store::deployed_pipeline& what, keeper_turn& turn) {
  SLUICE_ASSIGN(const auto of, from_options(what.schedule));
  if (!of.cron.empty() || of.every > 0) return follow_clock(what, of, turn);
  if (of.after) return follow_runs(what, of, turn);
  return of.files.empty() ? status() : follow_files(what, of, turn);
}

status keeper::keep(store::schedule_step step, keeper_turn& turn) {
  for (auto& one : step.starts) one.next_at = now();
  SLUICE_ASSIGN(const auto taken, store::schedules_of(*store_).step(step));
  // Another process was faster, or the pipeline was deployed again: what the Store has now is looked at at once.
  if (!taken) return look_by(turn, now()), status{};
  turn.events.insert(turn.events.end(), step.events.begin(), step.events.end());
  return {};
}

status keeper::follow_clock(const store::deployed_pipeline& what, const settings& of, keeper_turn& turn) {
  SLUICE_ASSIGN(const auto found, look_at_clock(of, what.mark, now()));
  SLUICE_ASSIGN(const auto next, next_due(of, found.mark));
  if (next) look_by(turn, *next);
  if (found.mark == what.mark) return {};
  auto step = step_of(what);
  step.mark = found.mark;
  const auto* reason = of.cron.empty() ? "every" : "cron";
  for (const auto due : found.due) {
    SLUICE_ASSIGN(auto start, start_of(what, of, reason, std::to_string(due), due));
    step.starts.push_back(std::move(start));
  }
  if (found.missed > 0)
    step.events.push_back(event_of(
        "schedule.missed", what.name,
        {{"times", found.missed}, {"first", time_text(found.first_missed)}, {"last", time_text(found.last_missed)}}));
  return keep(std::move(step), turn);
}

status keeper::follow_runs(const store::deployed_pipeline& what, const settings& of, keeper_turn& turn) {
  SLUICE_ASSIGN(const auto newest, store_->last_cursor());
  auto& seen = seen_[what.name];
  if (newest <= what.cursor || newest == seen) return {};
  ends_in_log ends(of, what.state);
  auto step = step_of(what);
  while (step.cursor < newest) {
    SLUICE_ASSIGN(const auto events, store_->events(step.cursor, "", events_at_once));
    if (events.empty()) break;
    for (const auto& one : events) {
      SLUICE_ASSIGN(auto sets, ends.take(*store_, one));
      for (auto& set : sets) {
        std::string cause;
        options parents = options::array();
        for (const auto& run : set.runs) {
          cause += (cause.empty() ? "" : "\n") + run.run;
          parents.push_back({{"pipeline", run.pipeline}, {"run", run.run}});
        }
        SLUICE_ASSIGN(auto start, start_of(what, of, "after", cause, set.time));
        start.params = std::move(set.params);
        start.parents = std::move(parents);
        step.starts.push_back(std::move(start));
      }
    }
    step.cursor = events.back().cursor;
  }
  const auto reached = step.cursor;
  if (ends.changed || reached - what.cursor >= most_unkept) {
    step.state = ends.state();
    SLUICE_TRY(keep(std::move(step), turn));
  }
  seen = reached;
  return {};
}

status keeper::follow_files(const store::deployed_pipeline& what, const settings& of, keeper_turn& turn) {
  const auto pause = std::clamp<std::int64_t>(of.settle / 4, second, 10 * second);
  auto& looked = looked_[what.name];
  if (looked != 0 && now() >= looked && now() - looked < pause) return look_by(turn, looked + pause), status{};
  looked = now();
  look_by(turn, looked + pause);
  SLUICE_ASSIGN(const auto there, files_there(of.files, what.submission.value("base_folder", "/")));
  file_arrival arrival(of.settle, what.state);
  const auto arrived = arrival.look(there, now());
  if (const auto next = arrival.next(); next > 0) look_by(turn, std::max(next, now() + second / 10));
  if (!arrival.changed()) return {};
  auto step = step_of(what);
  step.state = arrival.state();
  if (!arrived.empty()) {
    std::string cause;
    options names = options::array();
    for (const auto& path : arrived) {
      const auto& as = there.at(path);
      cause += path + ":" + std::to_string(as.first) + ":" + std::to_string(as.second) + "\n";
      if (names.size() < most_named) names.push_back(path);
    }
    SLUICE_ASSIGN(auto start, start_of(what, of, "files", cause, now()));
    step.events.push_back(event_of("files.arrived", what.name,
                                   {{"files", static_cast<std::int64_t>(arrived.size())}, {"paths", names.dump()}}));
    step.starts.push_back(std::move(start));
  }
  return keep(std::move(step), turn);
}

status keeper::judge(keeper_turn& turn) {
  auto& log = store::schedules_of(*store_);
  SLUICE_ASSIGN(const auto overdue, log.overdue(now()));
  for (const auto& one : overdue) {
    const auto run = store_->find_run(one.run);
    if (!run.ok() && run.problem().code != "run_not_found") return run.problem();
    // What counts is when it ended, not when somebody looks.
    const bool good = run.ok() &&
                      (run->state == store::run_state::succeeded || run->state == store::run_state::partial) &&
                      run->ended <= one.deadline;
    store::start_outcome outcome;
    outcome.number = one.number;
    outcome.judged = good ? 1 : 2;
    if (!good) {
      auto late = event_of("run.late", one.pipeline,
                           {{"due", time_text(one.due)},
                            {"deadline", time_text(one.deadline)},
                            {"state", run.ok() ? store::to_string(run->state) : store::to_string(one.state)}});
      if (run.ok()) late.data["late_run"] = one.run;
      if (!one.problem.empty()) late.data["message"] = one.problem;
      outcome.events.push_back(std::move(late));
    }
    SLUICE_ASSIGN(const auto written, log.settle(std::move(outcome)));
    turn.events.insert(turn.events.end(), written.begin(), written.end());
  }
  return {};
}

result<std::vector<store::event>> keeper::settle(const store::pending_start& what, const status& how) {
  store::start_outcome outcome;
  outcome.number = what.number;
  outcome.state = store::start_state::started;
  outcome.tries = what.tries + 1;
  outcome.next_at = now();
  if (!how.ok()) {
    const auto& problem = how.problem();
    outcome.problem = problem.message;
    if (problem.code == "already_running" && !what.batch.empty()) {
      // A run for each due time was asked for: one that is in another's way waits.
      outcome.state = store::start_state::waiting;
      outcome.next_at = now() + second;
    } else if (problem.code == "already_running") {
      outcome.state = store::start_state::skipped;
    } else if (problem.retry && (outcome.tries < most_tries || problem.code == "shutting_down")) {
      outcome.state = store::start_state::waiting;
      outcome.next_at = now() + std::min(second << std::min<std::int64_t>(what.tries, 6), longest_pause);
    } else {
      outcome.state = store::start_state::rejected;
    }
    if (outcome.state != store::start_state::waiting)
      outcome.events.push_back(
          refusal_event(what.pipeline, {{"due", time_text(what.due)}, {"reason", what.reason}}, {problem}));
  }
  return store::schedules_of(*store_).settle(std::move(outcome));
}

}  // namespace sluice::schedule
