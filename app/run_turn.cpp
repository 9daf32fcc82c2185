#include "app/run_turn.hpp"

#include "app/run_engine.hpp"
#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/text.hpp"

#include <chrono>
#include <set>
#include <thread>

namespace sluice::app {

namespace {

constexpr auto pause = std::chrono::milliseconds(50);

/// Asks the run of another process to stop. False while the Store does not know the run yet.
result<bool> cancel_run_of(session& with, const std::string& pipeline, pid_t process) {
  auto here = with;
  here.options.to.clear();
  SLUICE_ASSIGN(auto records, run_source::open(here));
  SLUICE_ASSIGN(const auto runs, records.list({.pipeline = pipeline}));
  for (const auto& run : runs) {
    if (run.pid != process || store::is_final(run.state)) continue;
    SLUICE_ASSIGN(const auto told, records.cancel(run.id));
    if (!with.options.quiet && !with.options.json)
      with.terminal.note("cancelled run " + short_id(run.id) + " (run.overlap: cancel)\n");
    return true;
  }
  return false;
}

}  // namespace

result<run_turn> take_turn(session& with, const pipeline& what, overlap_rule overlap) {
  const auto claim = claim_of(what);
  signals stop;
  std::set<pid_t> cancelled;
  for (run_turn turn;; turn.waited = true) {
    SLUICE_ASSIGN(turn.lock, run_lock::take(with.options.state_folder, claim));
    if (turn.lock.held()) return turn;
    const auto holder = turn.lock.holder();
    if (overlap == overlap_rule::skip) return already_running(claim, holder > 0 ? "pid " + std::to_string(holder) : "");
    if (overlap == overlap_rule::cancel && cancelled.count(holder) == 0) {
      SLUICE_ASSIGN(const bool asked, cancel_run_of(with, what.name, holder));
      if (asked) cancelled.insert(holder);
    }
    if (overlap == overlap_rule::queue && !turn.waited && !with.options.quiet && !with.options.json)
      with.terminal.note("waiting for the end of the current run of " + what.name +
                         (holder > 0 ? " (pid " + std::to_string(holder) + ")" : "") + "\n");
    if (stop.stop_asked()) {
      turn.signal = stop.first();
      return turn;
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace sluice::app
