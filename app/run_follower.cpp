#include "app/run_follower.hpp"

#include "app/event_text.hpp"
#include "app/run_display.hpp"
#include "app/run_records.hpp"
#include "app/run_report.hpp"
#include "app/text.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>

namespace sluice::app {

namespace {

using clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds look_interval{250};

int pending_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  const timespec at_once = {};
  return sigtimedwait(&set, nullptr, &at_once);
}

class follower {
 public:
  follower(session& with, run_source& from, store::run_record run)
      : with_(with), from_(from), run_(std::move(run)), display_(with, false) {}

  /// Follows to the end or to a signal.
  status follow() {
    // The run's own process serves its events; where it has none (or has gone), the state folder is looked at.
    if (const auto client = from_.client_of(run_)) {
      auto outcome = client->follow_events(
          run_.id, 0, [this](std::int64_t cursor, const options& event) { return take(cursor, event); },
          [this] { return look(); }, std::chrono::seconds(from_.is_remote() ? 30 : 2));
      if (!outcome.ok() && from_.is_remote()) return outcome;
    }
    if (from_.is_remote()) return {};
    while (signal_ == 0 && !closed_) {
      SLUICE_TRY(catch_up());
      // Nobody works on it: whoever runs the pipeline next makes its outputs visible.
      const bool left = run_.state == store::run_state::committing && !run_.alive;
      if (store::is_final(run_.state) || left) return catch_up();
      usleep(200'000);
      look();
    }
    return {};
  }

  [[nodiscard]] int signal() const { return signal_; }
  [[nodiscard]] bool closed() const { return closed_; }
  void end() { display_.end(); }

 private:
  bool take(std::int64_t cursor, const options& event) {
    if (cursor <= cursor_) return true;
    cursor_ = cursor;
    if (with_.options.json) closed_ = !with_.terminal.line(event.dump());
    return !closed_;
  }

  /// What the Store has beyond the last event seen.
  status catch_up() {
    SLUICE_ASSIGN(auto seen, from_.find(run_.id));
    run_ = std::move(seen.record);
    while (!closed_) {
      SLUICE_ASSIGN(const auto events, from_.events(cursor_, run_.id, 1000));
      if (events.empty()) return {};
      for (const auto& each : events) {
        if (!take(each.cursor, store::cloud_event(each))) return {};
        if (with_.options.verbose) display_.say(time_text(each.time) + "  " + event_text(each));
      }
    }
    return {};
  }

  /// Looks at signals and, now and then, at the progress; true: stop.
  bool look() {
    if (signal_ == 0) signal_ = std::max(0, pending_signal());
    if (signal_ != 0 || closed_) return true;
    if (clock::now() < next_look_) return false;
    next_look_ = clock::now() + look_interval;
    const auto seen = from_.find(run_.id);
    if (!seen.ok()) return false;
    if (seen->progress.is_object()) display_.show(view_of(seen->progress));
    run_ = seen->record;
    // A process that was killed sends no last event; the Store has it by now.
    return store::is_final(run_.state) && !from_.is_remote();
  }

  session& with_;
  run_source& from_;
  store::run_record run_;
  run_display display_;
  std::int64_t cursor_ = 0;
  int signal_ = 0;
  bool closed_ = false;  ///< nobody reads stdout any more
  clock::time_point next_look_ = {};
};

}  // namespace

void block_stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

int exit_code_of(store::run_state state) {
  switch (state) {
    case store::run_state::succeeded:
      return exit_succeeded;
    case store::run_state::partial:
      return exit_partial;
    case store::run_state::failed:
    case store::run_state::cancelled:
      return exit_failed;
    default:
      return exit_unknown;
  }
}

std::string report_of(const store::run_record& run, const console& on, bool to_stdout) {
  report_facts facts;
  facts.run = run.id;
  facts.pipeline = run.pipeline;
  facts.state = store::to_string(run.state);
  facts.cause = run.cause;
  facts.summary = run.summary;
  return run_report(facts, to_stdout ? on.out_width() : on.err_width(), to_stdout ? on.color_out() : on.color_err(),
                    on.unicode());
}

result<int> follow_run(session& with, run_source& from, const std::string& run, const std::string& how_to_go_on) {
  SLUICE_ASSIGN(auto seen, from.find(run));
  const auto id = seen.record.id;
  follower follows(with, from, std::move(seen.record));
  auto outcome = follows.follow();
  follows.end();
  if (follows.signal() != 0) {
    if (!with.options.quiet) with.terminal.note("detached: the run continues. " + how_to_go_on + "\n");
    return follows.signal() == SIGINT ? exit_interrupted : exit_terminated;
  }
  if (follows.closed()) return exit_succeeded;
  SLUICE_TRY(std::move(outcome));
  SLUICE_ASSIGN(const auto ended, from.find(id));
  if (!with.options.json && !with.options.quiet) with.terminal.note(report_of(ended.record, with.terminal, false));
  return exit_code_of(ended.record.state);
}

}  // namespace sluice::app
