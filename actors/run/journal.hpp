#pragma once

#include "actors/units/blocking_calls.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace sluice::actors {

/// Writes a run's changes to the Store, in order, and announces their events once they are durable. Changes that come
/// while one is being written, or within a few milliseconds, go together into the next one.
class journal {
 public:
  using then_function = std::function<void(const status&)>;

  /// Every change carries `term`. A write that another process or a full disk keeps from being made is tried again for
  /// two minutes; whether one that failed took effect all the same is read back. `failed` is called when a write fails
  /// that nobody waits for: what it tells stands before the next one.
  journal(caf::event_based_actor* self, std::shared_ptr<io_pool> pool, std::shared_ptr<store::store> to,
          caf::actor notifier, std::string run, std::int64_t term, std::function<void(const error&)> failed);

  /// Adds to the next write; `then` is called when it is durable.
  void write(std::optional<store::run_state> state, std::optional<options> cause, std::optional<options> summary,
             std::vector<store::event> events, then_function then = {});
  /// Adds the decision to commit to the next write.
  void decide(store::manifest decision);
  /// Adds what has become of the decision on an epoch to the next write.
  void settle(std::int64_t epoch, store::commit_state state);
  void close() { notifier_ = nullptr; }

 private:
  void flush();
  /// What has become of a try.
  struct attempted {
    result<std::vector<store::event>> written;
    bool unclear = false;  ///< it may have taken effect
  };
  static attempted apply(store::store& in, const store::change& change, std::int64_t after, bool unclear);
  /// Who waits for a write, and the events in it that nobody waits for.
  struct interest {
    std::vector<then_function> waiting = {};
    std::vector<store::event> others = {};
  };
  void attempt(std::shared_ptr<const store::change> change, interest of, bool unclear);
  void settled(const store::change& change, const interest& of, attempted made);
  void flush_soon();
  void flush_next();
  /// Puts what could not be written before what comes next: the run's last write may still be made.
  void put_back(const store::change& change);
  void announce(std::vector<store::event> events);

  caf::event_based_actor* self_;
  blocking_calls calls_;
  std::shared_ptr<store::store> store_;
  caf::actor notifier_;
  std::string run_;
  std::int64_t term_;
  std::function<void(const error&)> failed_;
  store::change next_;
  std::int64_t newest_ = 0;  ///< cursor of the last event that was written
  bool any_ = false;         ///< next_ holds something
  bool busy_ = false;
  std::chrono::steady_clock::time_point give_up_;  ///< of the change that is being written
  bool scheduled_ = false;                         ///< flush_soon is on its way
  interest interest_;                              ///< in next_
};

}  // namespace sluice::actors
