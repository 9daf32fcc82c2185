#include "app/run_process.hpp"

#include "actors/run/resume_run.hpp"
#include "app/interruptible.hpp"
#include "app/refused_run.hpp"
#include "app/run_turn.hpp"
#include "app/text.hpp"
#include "config/planning_rules.hpp"
#include "engine/files/arriving_stream.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runs/claim.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/values/uuid.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <sstream>
#include <thread>

namespace sluice::app {

namespace {

/// Says what the sources take of what is there.
void print_notes(session& with, const plan& what) {
  for (const auto& unit : what.units) {
    std::istringstream lines(unit.reading.note);
    for (std::string line; std::getline(lines, line);)
      with.terminal.note(unit.definition.name + ": " + printable(line) + "\n");
  }
}

/// Commits that dead processes have left come first: this run would load the same rows again, or below them.
status make_way(session& with, const std::string& pipeline, bool fresh) {
  if (!with.has_store()) return {};
  SLUICE_ASSIGN(const auto store, with.open_store());
  SLUICE_ASSIGN(const auto lost, settle_lost_runs(*store, true, make_sink));
  for (const auto& run : lost)
    if (run.published && !with.options.quiet && !with.options.json)
      with.terminal.note("run " + run.run + " of " + run.pipeline +
                         " was interrupted after its outputs were complete; they are published now\n");
  return settle_refused(*store, pipeline, fresh, make_sink, lost);
}

/// What an earlier run has left to do, or the state of the Store, is no fault of the pipeline.
int code_without_plan(const diagnostics& faults) {
  const auto& code = faults.front().code;
  const bool outside = faults.size() == 1 && (code.starts_with("commit_") || code.starts_with("store_"));
  return outside ? app::exit_code_of(faults.front()) : exit_code_of(faults);
}

status check_targets(session& with, const planned_pipeline& planned) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  return check_due_targets(*store, *planned.what, *planned.context);
}

/// What planning takes and makes. It may still be at work when nobody waits for it any more.
struct planning {
  planning_request request;
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  std::optional<std::vector<store::subscription>> rules;
  std::optional<planned_pipeline> planned;
};

/// How long a killed process may take to end. Its memory has to be given back, and its pid stays until its parent
/// looks.
constexpr auto longest_death = std::chrono::seconds(10);

result<std::shared_ptr<const actors::resume_point>> go_on_behind(session& with, planned_pipeline& planned,
                                                                 const run_command& what) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  const auto runs = std::filesystem::path(with.rejects_path("x")).parent_path().parent_path().string();
  actors::planned_run run{.what = planned.what,
                          .context = planned.context,
                          .params = planned.params,
                          .runs_folder = runs,
                          .fresh = what.fresh,
                          .from = what.from,
                          .again = what.again,
                          .drop = {what.drop.begin(), what.drop.end()}};
  SLUICE_ASSIGN(auto resumed, actors::resume_run(*store, run));
  // The claim is held: nobody works on the pipeline here. A process that was killed has let it go before it has ended.
  const auto give_up = std::chrono::steady_clock::now() + longest_death;
  while (resumed.behind && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    SLUICE_ASSIGN(resumed, actors::resume_run(*store, run));
  }
  if (resumed.behind) return already_running(claim_of(run.what->definition), "run " + resumed.behind->id);
  planned.what = run.what;
  if (!resumed.note.empty() && !with.options.quiet && !with.options.json) with.terminal.note(resumed.note + "\n");
  return std::move(resumed.from);
}

int refuse_stopped(session& with, const run_command& what, int signal, const char* when) {
  const error stopped = user_error("cancelled", when, command_text(what));
  return refuse_run(with, what.file, {stopped}, nullptr, signal == SIGINT ? exit_interrupted : exit_terminated);
}

/// Plans the pipeline; gives the exit code where there is nothing to run. What it reads may be large, and its disk may
/// hang: a signal ends the wait.
std::optional<int> plan_again(session& with, const run_command& what, const std::shared_ptr<planning>& on) {
  const int signal =
      do_interruptibly([&with, on] { on->planned = plan_pipeline(with, on->request, on->faults, on->source); });
  if (signal != 0) return refuse_stopped(with, what, signal, "stopped while the pipeline was planned");
  if (on->planned) return std::nullopt;
  return refuse_and_tell(with, what, {on->faults, on->source, on->rules}, code_without_plan(on->faults));
}

}  // namespace

int run_here(session& with, const run_command& what, black_box& left) {
  const auto on = std::make_shared<planning>();
  auto& request = on->request;
  request.file = what.file;
  request.set = what.set;
  request.config = what.config;
  request.run_id = uuid_v7();
  request.remembers = true;
  request.fresh = what.fresh;
  request.rules = [on = on.get()](const auto& found) { on->rules = found; };
  request.adapt = [&](pipeline& definition) {
    if (writes_to_stdout(definition)) show_standard_input_as_it_comes();
    return make_way(with, definition.name, what.fresh);
  };
  if (const auto refused = plan_again(with, what, on)) return *refused;
  auto& planned = on->planned;
  auto& faults = on->faults;
  if (with.options.json && writes_to_stdout(planned->what->definition)) {
    faults.push_back(user_error("bad_arguments",
                                "--json prints events to stdout, but this pipeline writes its rows to stdout",
                                "remove --json, or load into a file"));
    return refuse_run(with, what.file, faults, nullptr, exit_unusable);
  }
  const auto refuse = [&](const error& why, bool sends = true) {
    return refuse_and_tell(with, what, {{why}, on->source, on->rules, sends}, app::exit_code_of(why));
  };
  auto turn = take_turn(with, planned->what->definition, config::overlap_of(*planned->source));
  if (!turn.ok()) return refuse(turn.problem());
  while (turn->waited && turn->signal == 0) {
    // The other run may have changed what this one reads, and somebody its file.
    const auto claim = claim_of(planned->what->definition);
    if (const auto refused = plan_again(with, what, on)) return *refused;
    if (claim_of(planned->what->definition) == claim) break;
    turn->lock = run_lock();
    turn = take_turn(with, planned->what->definition, config::overlap_of(*planned->source));
    if (!turn.ok()) return refuse(turn.problem());
  }
  if (turn->signal != 0) return refuse_stopped(with, what, turn->signal, "stopped while it waited for another run");
  if (!with.options.quiet) report_faults(with, planned->what->warnings, on->source.get(), "warning");
  if (const auto free = check_targets(with, *planned); !free.ok()) return refuse(free.problem());
  if (!with.options.quiet && !with.options.json) print_notes(with, *planned->what);
  if (!with.options.quiet && !with.options.json && planned->source && planned->source->root().find("schedule"))
    with.terminal.note("this runs once; a schedule is followed only by a node: sluice deploy " + what.file + "\n");
  if (what.flush && !planned->what->has_windows_at_end())
    return refuse_run(with, what.file,
                      {user_error("bad_arguments",
                                  "--flush emits windows that are open when the run ends, and this pipeline has none: "
                                  "windows below sources that end for good are always emitted",
                                  "remove --flush")},
                      nullptr, exit_unusable);
  auto from = go_on_behind(with, *planned, what);
  if (!from.ok()) return refuse(from.problem());
  if (what.flush) {
    auto flushed = *planned->what;
    flushed.flush = true;
    planned->what = std::make_shared<const plan>(std::move(flushed));
  }
  const auto ended = run_planned(with, *planned, {.from = *std::move(from), .left = &left},
                                 std::chrono::duration_cast<std::chrono::milliseconds>(what.notify_wait),
                                 [&](const engine_result& how) { print_report(with, what, *planned, how); });
  if (!ended.ok()) return refuse(ended.problem(), false);
  if (ended->outcome.refused) return refuse(*ended->outcome.cause, false);
  return exit_code_after(*ended);
}

int run_again(session& with, const run_command& what, const actors::lost_try& lost, black_box& left) {
  const auto refuse = [&](const error& why) {
    return refuse_run(with, what.file, {why}, nullptr, app::exit_code_of(why));
  };
  planned_pipeline planned;
  planned.what = lost.recorded.what;
  planned.context = std::make_shared<run_context>(*lost.recorded.context);
  planned.params = lost.record.params;
  if (writes_to_stdout(planned.what->definition)) show_standard_input_as_it_comes();
  const auto turn = take_turn(with, planned.what->definition, overlap_rule::queue);
  if (!turn.ok()) return refuse(turn.problem());
  if (turn->signal != 0) return refuse_stopped(with, what, turn->signal, "stopped before it was tried again");
  const auto ended = run_planned(with, planned, {.lost = &lost, .left = &left},
                                 std::chrono::duration_cast<std::chrono::milliseconds>(what.notify_wait),
                                 [&](const engine_result& how) { print_report(with, what, planned, how); });
  if (!ended.ok()) return refuse(ended.problem());
  if (ended->outcome.refused) return refuse(*ended->outcome.cause);
  return exit_code_after(*ended);
}

}  // namespace sluice::app
