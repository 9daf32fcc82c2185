#include "app/run_turn.hpp"

#include "app/run_engine.hpp"
#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/text.hpp"
#include "engine/store/process.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>

namespace sluice::app {

namespace {

constexpr auto pause = std::chrono::milliseconds(50);

/// Whether a process has been killed and only takes its time to go: its main thread has ended, or has SIGKILL to come.
/// Its locks are held until its last thread has left the kernel, so who gives the same command at once would be
/// refused.
bool is_being_killed(pid_t process) {
  if (process <= 0) return false;
  if (store::process_start(process) == 0) return true;
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("SigPnd:") && !line.starts_with("ShdPnd:")) continue;
    constexpr std::uint64_t kill_bit = 1U << 8U;  // SIGKILL is 9, and the first bit is 1
    if ((std::strtoull(line.c_str() + 7, nullptr, 16) & kill_bit) != 0) return true;
  }
  return false;
}

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
    const bool ending = is_being_killed(holder);
    if (overlap == overlap_rule::skip && !ending)
      return already_running(claim, holder > 0 ? "pid " + std::to_string(holder) : "");
    if (overlap == overlap_rule::cancel && !ending && cancelled.count(holder) == 0) {
      SLUICE_ASSIGN(const bool asked, cancel_run_of(with, what.name, holder));
      if (asked) cancelled.insert(holder);
    }
    if (overlap != overlap_rule::cancel && !turn.waited && !with.options.quiet && !with.options.json)
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
