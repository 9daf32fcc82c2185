#include "actors/run/resume_run.hpp"
#include "app/engine_process.hpp"
#include "app/interruptible.hpp"
#include "app/pending_notifications.hpp"
#include "app/run_engine.hpp"
#include "app/run_records.hpp"
#include "app/run_report.hpp"
#include "app/run_turn.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"
#include "config/load.hpp"
#include "config/planning_rules.hpp"
#include "engine/error/error_json.hpp"
#include "engine/files/arriving_stream.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/values/quantities.hpp"
#include "engine/values/uuid.hpp"

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <sstream>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::vector<std::string> set;
  std::string config;
  bool fresh = false;
  std::string notify_wait_text;
  std::chrono::microseconds notify_wait = std::chrono::seconds(10);
};

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

void print_event(session& with, const options& event) { with.terminal.line(event.dump()); }

/// Says that there is no run: the faults on stderr, and the event that ends `run --json`.
int refuse(session& with, const std::string& file, const diagnostics& faults, const config::document* source,
           int code) {
  if (!with.options.json) {
    report_faults(with, faults, source);
    if (faults.size() > 1) with.terminal.note(std::to_string(faults.size()) + " errors\n");
    return code;
  }
  options errors = options::array();
  for (const auto& fault : faults) errors.push_back(to_json(fault));
  print_event(with, {{"specversion", "1.0"},
                     {"id", uuid_v7()},
                     {"source", "/sluice/pipelines"},
                     {"type", "pipeline.rejected"},
                     {"subject", file},
                     {"time", utc_text(now())},
                     {"datacontenttype", "application/json"},
                     {"data", {{"file", file}, {"errors", std::move(errors)}}}});
  return code;
}

std::uint64_t own_peak_memory() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

/// The command that was given, for hints.
std::string command_text(const chosen& what) {
  std::string text = "sluice run " + what.file;
  for (const auto& each : what.set) text += " --set " + each;
  if (!what.config.empty()) text += " --config " + what.config;
  return text;
}

void print_report(session& with, const chosen& what, const planned_pipeline& planned, const engine_result& ended) {
  if (with.options.json || ended.outcome.refused) return;
  const auto& outcome = ended.outcome;
  report_facts facts;
  facts.run = outcome.run;
  facts.pipeline = planned.what->definition.name;
  facts.state = store::to_string(outcome.state);
  facts.summary = actors::to_options(outcome);
  facts.peak_memory = own_peak_memory();
  auto& terminal = with.terminal;
  if (!with.options.quiet)
    terminal.note(run_report(facts, terminal.err_width(), terminal.color_err(), terminal.unicode()));
  if (outcome.cause && outcome.state != store::run_state::cancelled) {
    diagnostics cause = {*outcome.cause};
    if (planned.source) config::resolve_locations(*planned.source, cause);
    report_faults(with, cause, planned.source.get());
  }
  if (outcome.state == store::run_state::cancelled && !with.options.quiet)
    terminal.note("nothing incomplete was published; " +
                  std::string(planned.what->checkpoint_interval()
                                  ? "the same command continues after the last checkpoint, --fresh starts over: "
                                  : "to run it again: ") +
                  command_text(what) + "\n");
}

int exit_code_after(const engine_result& ended) {
  switch (ended.outcome.state) {
    case store::run_state::succeeded:
      return exit_succeeded;
    case store::run_state::partial:
      return exit_partial;
    case store::run_state::cancelled:
      return ended.signal == SIGINT ? exit_interrupted : ended.signal == SIGTERM ? exit_terminated : exit_failed;
    case store::run_state::committing:
      return exit_unknown;
    default:
      return exit_failed;
  }
}

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
  std::error_code ignored;
  if (!std::filesystem::exists(with.store_path(), ignored)) return {};
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
  std::optional<planned_pipeline> planned;
};

result<std::shared_ptr<const actors::resume_point>> go_on_behind(session& with, planned_pipeline& planned, bool fresh) {
  SLUICE_ASSIGN(const auto store, with.open_store());
  const auto runs = std::filesystem::path(with.rejects_path("x")).parent_path().parent_path().string();
  actors::planned_run run{planned.what, planned.context, planned.params, runs, fresh};
  SLUICE_ASSIGN(auto resumed, actors::resume_run(*store, run));
  planned.what = run.what;
  if (!resumed.note.empty() && !with.options.quiet && !with.options.json) with.terminal.prose(resumed.note + "\n");
  return std::move(resumed.from);
}

int refuse_stopped(session& with, const chosen& what, int signal, const char* when) {
  const error stopped = user_error("cancelled", when, command_text(what));
  return refuse(with, what.file, {stopped}, nullptr, signal == SIGINT ? exit_interrupted : exit_terminated);
}

/// Plans the pipeline; gives the exit code where there is nothing to run. What it reads may be large, and its disk may
/// hang: a signal ends the wait.
std::optional<int> plan_again(session& with, const chosen& what, const std::shared_ptr<planning>& on) {
  const int signal =
      do_interruptibly([&with, on] { on->planned = plan_pipeline(with, on->request, on->faults, on->source); });
  if (signal != 0) return refuse_stopped(with, what, signal, "stopped while the pipeline was planned");
  if (on->planned) return std::nullopt;
  return refuse(with, what.file, on->faults, on->source.get(), code_without_plan(on->faults));
}

/// The engine's process.
int run_here(session& with, const chosen& what) {
  const auto on = std::make_shared<planning>();
  auto& request = on->request;
  request.file = what.file;
  request.set = what.set;
  request.config = what.config;
  request.run_id = uuid_v7();
  request.remembers = true;
  request.fresh = what.fresh;
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
    return refuse(with, what.file, faults, nullptr, exit_unusable);
  }
  auto turn = take_turn(with, planned->what->definition, config::overlap_of(*planned->source));
  if (!turn.ok()) return refuse(with, what.file, {turn.problem()}, nullptr, app::exit_code_of(turn.problem()));
  while (turn->waited && turn->signal == 0) {
    // The other run may have changed what this one reads, and somebody its file.
    const auto claim = claim_of(planned->what->definition);
    if (const auto refused = plan_again(with, what, on)) return *refused;
    if (claim_of(planned->what->definition) == claim) break;
    turn->lock = run_lock();
    turn = take_turn(with, planned->what->definition, config::overlap_of(*planned->source));
    if (!turn.ok()) return refuse(with, what.file, {turn.problem()}, nullptr, app::exit_code_of(turn.problem()));
  }
  if (turn->signal != 0) return refuse_stopped(with, what, turn->signal, "stopped while it waited for another run");
  if (!with.options.quiet) report_faults(with, planned->what->warnings, on->source.get(), "warning");
  if (const auto free = check_targets(with, *planned); !free.ok())
    return refuse(with, what.file, {free.problem()}, nullptr, app::exit_code_of(free.problem()));
  if (!with.options.quiet && !with.options.json) print_notes(with, *planned->what);
  if (!with.options.quiet && !with.options.json && planned->source && planned->source->root().find("schedule"))
    with.terminal.note("this runs once; a schedule is followed only by a node: sluice deploy " + what.file + "\n");
  auto from = go_on_behind(with, *planned, what.fresh);
  if (!from.ok()) return refuse(with, what.file, {from.problem()}, nullptr, app::exit_code_of(from.problem()));
  const auto ended = run_planned(with, *planned, *std::move(from),
                                 std::chrono::duration_cast<std::chrono::milliseconds>(what.notify_wait),
                                 [&](const engine_result& how) { print_report(with, what, *planned, how); });
  if (!ended.ok()) return refuse(with, what.file, {ended.problem()}, nullptr, app::exit_code_of(ended.problem()));
  if (ended->outcome.refused)
    return refuse(with, what.file, {*ended->outcome.cause}, nullptr, app::exit_code_of(*ended->outcome.cause));
  return exit_code_after(*ended);
}

/// Ends the run of a process that was killed: its commits are repeated where it had decided to commit.
std::optional<settled_run> settle(store::store& in, const engine_end& end, const error& cause) {
  const auto runs = in.runs({});
  if (!runs.ok()) return std::nullopt;
  for (const auto& run : *runs) {
    if (run.pid != end.pid || store::is_final(run.state)) continue;
    const auto state = end.killed_by_user ? store::run_state::cancelled : store::run_state::failed;
    const auto settled = settle_lost_run(in, run.id, death{cause, state}, make_sink);
    if (settled.ok()) return *settled;
  }
  return std::nullopt;
}

/// Says what was published after all; gives the exit code.
int report_published(session& with, const settled_run& run, const error& cause) {
  if (with.options.json) {
    if (run.last) print_event(with, store::cloud_event(*run.last));
  } else {
    with.terminal.note(cause.message + ", after its outputs were complete; they are published now, run " + run.run +
                       " " + store::to_string(run.state) + "\n");
  }
  return run.state == store::run_state::partial ? exit_partial : exit_succeeded;
}

/// The parent's part after a sudden death: the Store, the event and the user hear of it.
int report_death_here(session& with, const chosen& what, const engine_end& end) {
  error cause =
      external_error("engine_killed", "the engine (pid " + std::to_string(end.pid) + ") " + death_text(end.signal),
                     "nothing incomplete was published; set a smaller run: { memory: ... } to use less memory");
  if (end.killed_by_user)
    cause = user_error("cancelled", "killed by a second Ctrl-C",
                       "nothing incomplete was published; to run it again: " + command_text(what));
  std::optional<settled_run> settled;
  if (const auto store = with.open_store(); store.ok()) settled = settle(**store, end, cause);
  // The display may stand half drawn.
  if (with.terminal.can_redraw()) with.terminal.note_as_it_is("\r\x1b[J");
  if (settled && settled->published) return report_published(with, *settled, cause);
  if (settled && settled->problem) cause = *settled->problem;
  if (with.options.json) {
    if (settled && settled->last) {
      print_event(with, store::cloud_event(*settled->last));
    } else {
      refuse(with, what.file, {cause}, nullptr, exit_failed);
    }
  } else {
    report(with, cause);
  }
  if (settled && settled->state == store::run_state::committing) return exit_unknown;
  return end.killed_by_user ? exit_interrupted : exit_failed;
}

/// Those who wait for notifications hear of it too: nothing else of this run can tell them.
int report_death(session& with, const chosen& what, const engine_end& end) {
  const auto code = report_death_here(with, what, end);
  if (const auto store = with.open_store(); store.ok())
    (void)send_pending(with, *store, {}, std::chrono::duration_cast<std::chrono::milliseconds>(what.notify_wait));
  return code;
}

result<int> run(session& with, chosen& what) {
  if (!what.notify_wait_text.empty()) {
    auto wait = parse_duration(what.notify_wait_text == "0" ? "0s" : what.notify_wait_text);
    if (!wait.ok())
      return user_error("bad_arguments", "--notify-wait must be a duration, found '" + what.notify_wait_text + "'",
                        "for example: --notify-wait 30s");
    what.notify_wait = std::chrono::microseconds(*wait);
  }
  const auto end = run_in_child([&] {
    const int code = run_here(with, what);
    const auto written = with.terminal.flush();
    if (written.ok() || code != exit_succeeded) return code;
    report(with, written.problem());
    return static_cast<int>(exit_failed);
  });
  return end.signal == 0 ? end.exit_code : report_death(with, what, end);
}

}  // namespace

command run_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {file_argument(what->file)},
                    .options = {set_option(what->set),
                                config_option(what->config),
                                {.names = {"--fresh"},
                                 .value = {},
                                 .help = "start again: do not continue after earlier runs (checkpoints, incremental)",
                                 .target = &what->fresh},
                                {.names = {"--notify-wait"},
                                 .value = "TIME",
                                 .help = "how long to wait for notifications at the end (default: 10s)",
                                 .target = &what->notify_wait_text}},
                    .details = "Exit codes: 0 succeeded, 3 partial (more rejects than allowed), 1 failed,\n"
                               "2 the pipeline can't be run, 130 Ctrl-C. Ctrl-C stops the run without publishing\n"
                               "anything incomplete; a second Ctrl-C kills it. A pipeline without end stops at a\n"
                               "checkpoint, with exit code 0. After a kill or a failure the same command\n"
                               "continues after the last checkpoint.\n"},
          .run = [what](session& with) { return run(with, *what); }};
}

}  // namespace sluice::app
