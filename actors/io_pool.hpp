#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace sluice::actors {

/// Runs calls that may block, on threads that it starts when none is idle. At its end it waits for
/// calls under way as long as they use or want the processor, and leaves those behind that hang for a second (a stalled
/// disk, a FIFO that nobody opens); they own what they use.
class io_pool {
 public:
  explicit io_pool(std::size_t most_threads = 256);
  virtual ~io_pool();
  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  virtual void run(std::function<void()> job);
  /// Ends the threads and waits for their calls as the destructor does, which does not know on which thread it runs: a
  /// call may hold the last reference to its pool, and a thread can't wait for itself.
  void finish();

 private:
  struct core;
  std::shared_ptr<core> core_;
};

/// Finishes a pool when it goes, whoever else still refers to the pool. A process that ended before its calls would
/// take memory away that they use: this stands in front of the actors that post them.
struct finishes_calls {
  std::shared_ptr<io_pool> pool;

  explicit finishes_calls(std::shared_ptr<io_pool> what) : pool(std::move(what)) {}
  ~finishes_calls() { pool->finish(); }
  finishes_calls(const finishes_calls&) = delete;
  finishes_calls& operator=(const finishes_calls&) = delete;
};

/// Runs calls on a pool one after the other, in the order posted: those on one reader, sink or file never overlap.
class strand {
 public:
  explicit strand(std::shared_ptr<io_pool> pool);

  void post(std::function<void()> job);
  /// Forgets the calls that have not begun.
  void forget();
  /// Calls that have not ended.
  [[nodiscard]] std::size_t pending() const;

 private:
  struct queue;
  static void work(const std::shared_ptr<queue>& from);

  std::shared_ptr<queue> queue_;
};

}  // namespace sluice::actors
