#include "app/run_death.hpp"

#include "app/pending_notifications.hpp"
#include "app/run_records.hpp"
#include "app/text.hpp"
#include "engine/runs/lost_runs.hpp"
#include "engine/runs/record.hpp"

#include <chrono>
#include <csignal>

namespace sluice::app {

namespace {

/// The run of a process that was killed; empty: it had none.
std::string run_of(store::store& in, const engine_end& end) {
  const auto runs = in.runs({});
  if (!runs.ok()) return {};
  for (const auto& run : *runs)
    if (run.pid == end.pid && !store::is_final(run.state)) return run.id;
  return {};
}

error cause_of(const engine_end& end) {
  return external_error(
      "engine_killed",
      "the engine (pid " + std::to_string(end.pid) + ") " + death_text(end) + "; its peak memory was " +
          bytes_text(end.peak_memory),
      end.out_of_memory == oom_verdict::no
          ? "nothing incomplete was published; run it again"
          : "nothing incomplete was published; set a smaller run: { memory: ... } to use less memory");
}

options facts_of(const engine_end& end, const black_box& left) {
  options made = {{"signal", end.signal}, {"peak_memory", end.peak_memory}, {"log", left.lines()}};
  if (end.signal == SIGKILL) made["out_of_memory"] = to_string(end.out_of_memory);
  return made;
}

/// Ends the run of a process that was killed: its commits are repeated where it had decided to commit.
std::optional<settled_run> settle(store::store& in, const engine_end& end, const black_box& left, const error& cause) {
  const auto run = run_of(in, end);
  if (run.empty()) return std::nullopt;
  death how{.cause = cause, .process = facts_of(end, left)};
  if (end.killed_by_user) how = {.cause = cause, .state = store::run_state::cancelled};
  const auto settled = settle_lost_run(in, run, how, make_sink);
  return settled.ok() ? *settled : std::nullopt;
}

/// Says what was published after all; gives the exit code.
int report_published(session& with, const settled_run& run, const error& cause) {
  if (with.options.json) {
    if (run.last) with.terminal.line(store::cloud_event(*run.last).dump());
  } else {
    with.terminal.note(cause.message + ", after its outputs were complete; they are published now, run " + run.run +
                       " " + store::to_string(run.state) + "\n");
  }
  return run.state == store::run_state::partial ? exit_partial : exit_succeeded;
}

/// The parent's part after a sudden death: the Store, the event and the user hear of it.
int report_death_here(session& with, const run_command& what, const engine_end& end, const black_box& left) {
  auto cause = cause_of(end);
  if (end.killed_by_user)
    cause = user_error("cancelled", "killed by a second Ctrl-C",
                       "nothing incomplete was published; to run it again: " + command_text(what));
  std::optional<settled_run> settled;
  if (const auto store = with.open_store(); store.ok()) settled = settle(**store, end, left, cause);
  // The display may stand half drawn.
  if (with.terminal.can_redraw()) with.terminal.note_as_it_is("\r\x1b[J");
  if (settled && settled->published) return report_published(with, *settled, cause);
  if (settled && settled->problem) cause = *settled->problem;
  if (with.options.json) {
    if (settled && settled->last) {
      with.terminal.line(store::cloud_event(*settled->last).dump());
    } else {
      refuse_run(with, what.file, {cause}, nullptr, exit_failed);
    }
  } else {
    report(with, cause);
  }
  if (settled && settled->state == store::run_state::committing) return exit_unknown;
  return end.killed_by_user ? exit_interrupted : exit_failed;
}

}  // namespace

std::optional<actors::lost_try> find_lost_try(session& with, const engine_end& end, const black_box& left) {
  const auto store = with.open_store();
  if (!store.ok()) return std::nullopt;
  const auto run = run_of(**store, end);
  if (run.empty()) return std::nullopt;
  auto found = actors::find_lost_try(**store, run, cause_of(end), facts_of(end, left));
  if (!found.ok() || !*found) return std::nullopt;
  // The display may stand half drawn.
  if (with.terminal.can_redraw()) with.terminal.note_as_it_is("\r\x1b[J");
  if (!with.options.quiet && !with.options.json)
    with.terminal.note((*found)->cause.message + ((*found)->record.state == store::run_state::paused
                                                      ? "; the run stays paused\n"
                                                      : "; the run is tried again\n"));
  return *std::move(found);
}

/// Those who wait for notifications hear of it too: nothing else of this run can tell them.
int report_death(session& with, const run_command& what, const engine_end& end, const black_box& left) {
  const auto code = report_death_here(with, what, end, left);
  if (const auto store = with.open_store(); store.ok())
    (void)send_pending(with, *store, {}, std::chrono::duration_cast<std::chrono::milliseconds>(what.notify_wait));
  return code;
}

}  // namespace sluice::app
