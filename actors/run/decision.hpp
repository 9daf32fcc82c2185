#pragma once

#include "actors/run/journal.hpp"
#include "actors/run/run_setup.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/instance.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// A run's decision to commit, and how it ended: sees to it that this process and the Store are of one mind about them,
/// whatever becomes of single writes. Part of the supervisor.
class decision {
 public:
  struct callbacks {
    std::function<void()> taken;           ///< it is durable, and the run is still this process's: commit now
    std::function<void(error)> not_taken;  ///< it is not, and never will be
    std::function<void(error)> undone;     ///< nobody can tell, or others have the run: the next process goes on
  };
  decision(caf::event_based_actor* self, const node_services& services, std::shared_ptr<store::store> in, journal& to,
           const run_setup& of, callbacks calls);

  /// One at a time; `state` where the run's changes with it.
  void take(store::manifest what, std::optional<store::run_state> state, options summary,
            std::vector<store::event> events);
  /// Whether it is durable.
  [[nodiscard]] bool taken() const { return taken_; }
  /// All is visible of an epoch that does not end the run, or nothing was to be made visible: writes so where it must
  /// be. `then` is called when that is durable; else `undone` is.
  void settle(bool due, std::function<void()> then);
  /// What is written of the end of a run.
  struct last_words {
    std::optional<store::commit_state> commits = {};  ///< of a decided run: what has become of them
    store::run_state state = store::run_state::failed;
    std::optional<options> cause = {};
    options summary = {};
    std::vector<store::event> events = {};
  };
  /// Writes how the run has ended, again and again: who waits for its last event would else wait for ever. `then` is
  /// called when that is durable, or with the error when others have the run or the run's patience is over.
  void end(last_words last, const std::function<void(const status&)>& then);
  void close() { calls_ = {}; }

 private:
  using told_function = std::function<void(const status&)>;
  void settle_since(std::function<void()> then, std::chrono::steady_clock::time_point since);
  void look(const error& problem, std::chrono::steady_clock::time_point since);
  void check_lease();
  void write(const std::shared_ptr<const last_words>& last, const told_function& then,
             std::chrono::steady_clock::time_point since);
  void later(std::function<void()> what);

  caf::event_based_actor* self_;
  blocking_calls io_;
  std::shared_ptr<const store::lease_keeper> lease_;
  std::optional<std::chrono::milliseconds> patience_;
  std::shared_ptr<store::store> store_;
  journal& journal_;
  std::string run_;
  std::int64_t term_;
  callbacks calls_;
  std::int64_t epoch_ = 0;  ///< of the last one
  bool taken_ = false;
};

}  // namespace sluice::actors
