#include "engine/runs/lost_runs.hpp"

#include "engine/files/file_identity.hpp"
#include "engine/plan/stated_target.hpp"
#include "engine/runs/claim.hpp"
#include "engine/runs/leftovers.hpp"
#include "engine/runs/proof.hpp"
#include "engine/runs/record.hpp"
#include "engine/runs/settle_left.hpp"
#include "engine/secrets/reveal.hpp"

#include <unistd.h>

#include <algorithm>

namespace sluice {

namespace {

using store::commit_state;
using store::run_state;

/// What ends a run: its state, its last event and what the Store is to remember.
store::change end_of(const store::run_record& run, std::int64_t term, run_state state, options data) {
  store::change what;
  what.run = run.id;
  what.term = term;
  what.state = state;
  data["state"] = store::to_string(state);
  if (data.contains("cause")) what.cause = data["cause"];
  what.summary = data;
  store::event last;
  last.type = "run." + store::to_string(state);
  last.data = std::move(data);
  what.events.push_back(std::move(last));
  return what;
}

options summary_of(const store::run_record& run) { return run.summary.is_object() ? run.summary : options::object(); }

/// Rows that waited on disk for their target, when the run decided to commit, are in it now.
options with_all_loaded(options summary) {
  if (!summary.contains("units")) return summary;
  for (auto& unit : summary["units"]) {
    const auto rows = unit.value("waiting", std::uint64_t{0});
    if (rows == 0) continue;
    unit["out"] = unit.value("out", std::uint64_t{0}) + rows;
    unit.erase("waiting");
  }
  return summary;
}

options with_cause(options data, const error& why) {
  data["cause"] = {
      {"code", why.code}, {"message", why.message}, {"hint", why.hint}, {"where", why.where}, {"path", why.path}};
  return data;
}

/// Says that a run has died, and how, or that it is tried again.
store::change death_of(store::store& in, const store::run_record& run, std::int64_t term, const death& how) {
  auto summary = summary_of(run);
  if (!how.process.is_null()) summary["process"] = how.process;
  if (how.state != run_state::restarting)
    return end_of(run, term, how.state, with_cause(std::move(summary), how.cause));
  auto told = with_cause(how.restarting, how.cause);
  if (!how.process.is_null()) told["process"] = how.process;
  const auto complete = in.checkpoints(run.id);
  told["epoch"] = complete.ok() && !complete->empty() ? complete->front().what.epoch : 0;
  // One that was paused waits on, in its new process.
  const bool paused = run.state == run_state::paused;
  store::change what{.run = run.id, .state = paused ? run_state::paused : run_state::restarting, .term = term};
  // The first cause stays: it is what the run fails of if no try succeeds.
  if (run.cause.is_null() && !paused) what.cause = told["cause"];
  for (const auto* count : {"attempt", "failures", "epoch"})
    if (!paused) summary[count] = told[count];
  what.summary = std::move(summary);
  what.events.push_back({.type = paused ? "run.paused" : "run.restarting", .data = std::move(told)});
  return what;
}

/// A sink could not be reached: the next run of the pipeline removes what it has left.
void mark_leftovers(store::change& end) {
  if (end.summary) (*end.summary)[leftovers_key] = true;
}

status write_end(store::store& in, settled_run& settled, const store::change& end) {
  SLUICE_ASSIGN(auto events, in.apply(end));
  settled.state = *end.state;
  if (!events.empty()) settled.last = std::move(events.back());
  return {};
}

/// Repeats the commits of a run that has decided.
status finish_commits(store::store& in, const store::run_record& run, std::int64_t term, const store::due_commit& due,
                      const death& how, const sink_maker& make, settled_run& settled) {
  settled.state = run_state::committing;
  SLUICE_ASSIGN(const auto recorded, read_record(run));
  auto outcomes = proof::planted(proof::bug::commit_forgotten)
                      ? std::vector<sink_outcome>()
                      : commit_prepared(*recorded.what, *recorded.context, make, due.what.sinks);
  if (!due.what.end.empty()) settle_left(*recorded.what, *recorded.context, make, outcomes);
  const auto failed = [](const sink_outcome& one) { return one.problem.has_value(); };
  const bool visible = std::none_of(outcomes.begin(), outcomes.end(), failed);
  if (visible && due.what.end.empty()) {
    // A checkpoint of a run that went on: what it had read since is read again by the next one.
    auto end = death_of(in, run, term, how);
    if (!keep_prepared(*recorded.what, *recorded.context, make, due.what.held).ok()) mark_leftovers(end);
    end.settled = commit_state::committed;
    end.epoch = due.what.epoch;
    return write_end(in, settled, end);
  }
  if (visible) {
    auto end = end_of(run, term, store::run_state_from(due.what.end).value_or(run_state::succeeded),
                      with_all_loaded(summary_of(run)));
    end.settled = commit_state::committed;
    end.epoch = due.what.epoch;
    SLUICE_TRY(write_end(in, settled, end));
    settled.published = true;
    remove_leftovers(*recorded.what, *recorded.context, make, due.what.sinks);
    return {};
  }
  settled.problem = commit_problem(outcomes);
  if (settled.problem->code != "commit_refused") return {};
  auto end = end_of(run, term, run_state::failed, with_cause(summary_of(run), *settled.problem));
  end.settled = commit_state::refused;
  end.epoch = due.what.epoch;
  return write_end(in, settled, end);
}

/// Ends a run that has decided nothing: what its sinks have made behind its last checkpoint is of no use to anyone.
status clean_up(store::store& in, const store::run_record& run, std::int64_t term, const death& how,
                const sink_maker& make, settled_run& settled) {
  SLUICE_ASSIGN(const auto complete, in.checkpoints(run.id));
  const auto held = complete.empty() ? std::vector<store::prepared_sink>() : complete.front().what.held;
  auto end = death_of(in, run, term, how);
  if (const auto recorded = read_record(run); recorded.ok())
    if (!keep_prepared(*recorded->what, *recorded->context, make, held).ok()) mark_leftovers(end);
  return write_end(in, settled, end);
}

}  // namespace

death unseen_death(const store::run_record& run) {
  return {external_error("engine_died", "the process that ran it (pid " + std::to_string(run.pid) + ") has ended",
                         "nothing incomplete was published; run it again")};
}

result<std::optional<settled_run>> settle_lost_run(store::store& in, const std::string& id, const death& how,
                                                   const sink_maker& make) {
  std::optional<settled_run> settled;
  const auto term = in.take_over(id);
  if (!term.ok()) {
    if (term.problem().code == "run_is_alive" || term.problem().code == "run_is_final") return settled;
    return term.problem();
  }
  SLUICE_ASSIGN(const auto run, in.find_run(id));
  SLUICE_ASSIGN(const auto due, in.due_commits(id));
  settled.emplace(settled_run{.run = run.id, .pipeline = run.pipeline, .state = run.state, .term = *term});
  const auto done = due.empty() ? clean_up(in, run, *term, how, make, *settled)
                                : finish_commits(in, run, *term, due.front(), how, make, *settled);
  const bool goes_on_here = settled->state == run_state::restarting || settled->state == run_state::paused;
  if (!store::is_final(settled->state) && !goes_on_here) (void)in.release(id);
  if (done.ok()) return settled;
  if (due.empty()) return done.problem();
  // The commits stay due whatever went wrong here.
  settled->problem = done.problem();
  return settled;
}

namespace {

struct named_target {
  std::string unit;
  std::string path;  ///< absolute, links followed
  std::string table;
};

std::vector<named_target> targets_of(const plan& of, const run_context& context) {
  std::vector<named_target> all;
  for (const auto& unit : of.units) {
    if (unit.definition.role != unit_role::load) continue;
    // Without its secrets a target can't be compared: whoever writes to it needs them first.
    const auto own = reveal_secrets(unit.definition.own, context);
    if (!own.ok()) continue;
    const auto stated = stated_target(unit.definition.component, *own);
    if (!stated || stated->path.empty() || stated->what == write_target::kind::standard_output) continue;
    const bool on_server = stated->path.find("://") != std::string::npos;
    all.push_back({unit.definition.name,
                   on_server ? stated->path : real_path(absolute_path(stated->path, context.base_folder)),
                   stated->table});
  }
  return all;
}

}  // namespace

status check_due_targets(store::store& in, const plan& what, const run_context& context) {
  SLUICE_ASSIGN(const auto due, in.due_commits());
  for (const auto& one : due) {
    if ((one.alive && one.state == commit_state::decided) || one.run == context.run_id) continue;
    SLUICE_ASSIGN(const auto run, in.find_run(one.run));
    const auto recorded = read_record(run);
    if (!recorded.ok()) continue;
    for (const auto& theirs : targets_of(*recorded->what, *recorded->context))
      for (const auto& ours : targets_of(what, context))
        if (ours.path == theirs.path && ours.table == theirs.table)
          return external_error(
              "commit_due",
              "unit " + ours.unit + " writes to " + ours.path + ", for which run " + one.run + " of " + one.pipeline +
                  " has written rows that are not visible yet",
              "sluice run of " + one.pipeline + " makes them visible first, or discards them with --fresh", true);
  }
  return {};
}

namespace {

/// The parent of a process that has died is about to try the run again, or to end it.
bool has_parent(store::store& in, const std::string& id) {
  const auto run = in.find_run(id);
  if (!run.ok() || !run->context.is_object() || !run->context.contains("parent")) return false;
  const auto& parent = run->context["parent"];
  const auto pid = parent.value("pid", std::int64_t{0});
  const auto started = parent.value("started", std::int64_t{0});
  if (pid <= 1 || started == 0 || pid == ::getpid() || store::process_start(pid) != started) return false;
  const auto recorded = read_record(*run);
  return recorded.ok() && recorded->what->definition.retry.has_value();
}

}  // namespace

result<std::vector<settled_run>> settle_lost_runs(store::store& in, bool publish, const sink_maker& make,
                                                  const std::set<std::string>& kept) {
  store::run_query query;
  query.limit = 10'000;
  for (const auto state : store::run_states())
    if (!store::is_final(state)) query.states.push_back(state);
  SLUICE_ASSIGN(const auto open, in.runs(query));
  std::vector<settled_run> all;
  for (const auto& run : open) {
    if (run.alive || (run.state == run_state::committing && !publish)) continue;
    if (kept.contains(run.id) || has_parent(in, run.id)) continue;
    SLUICE_ASSIGN(auto settled, settle_lost_run(in, run.id, unseen_death(run), make));
    if (settled) all.push_back(std::move(*settled));
  }
  return all;
}

status settle_refused(store::store& in, const std::string& pipeline, bool fresh, const sink_maker& make,
                      const std::vector<settled_run>& lost) {
  SLUICE_ASSIGN(const auto newest, in.runs({.pipeline = pipeline, .limit = 10}));
  for (const auto& run : newest)
    if (!store::is_final(run.state) && !run.alive && has_parent(in, run.id))
      return already_running({.pipeline = pipeline, .params = 0, .alone = false},
                             "run " + run.id + " is about to be tried again");
  SLUICE_ASSIGN(const auto due, in.due_commits());
  for (const auto& one : due) {
    // A run that a target has refused has ended, whoever it belongs to.
    if (one.pipeline != pipeline || (one.alive && one.state != commit_state::refused)) continue;
    const auto because = std::find_if(lost.begin(), lost.end(), [&](const auto& each) { return each.run == one.run; });
    if (because != lost.end() && because->problem && one.state == commit_state::decided) return *because->problem;
    if (one.state != commit_state::refused) continue;
    SLUICE_ASSIGN(const auto run, in.find_run(one.run));
    SLUICE_ASSIGN(const auto recorded, read_record(run));
    store::change late;
    late.run = run.id;
    late.term = run.term;
    late.epoch = one.what.epoch;
    if (fresh) {
      remove_leftovers(*recorded.what, *recorded.context, make, {});
      late.settled = commit_state::dropped;
    } else {
      auto outcomes = commit_prepared(*recorded.what, *recorded.context, make, one.what.sinks);
      settle_left(*recorded.what, *recorded.context, make, outcomes);
      if (std::any_of(outcomes.begin(), outcomes.end(), [](const auto& each) { return each.problem.has_value(); }))
        return commit_problem(outcomes);
      late.settled = commit_state::committed;
    }
    SLUICE_TRY(in.apply(late));
  }
  return {};
}

}  // namespace sluice
