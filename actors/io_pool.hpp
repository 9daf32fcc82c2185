#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace sluice::actors {

/// Runs calls that may block, on threads that it starts when none is idle. Its destructor waits for
/// calls under way as long as they use the processor, and leaves those behind that hang for a second (a stalled disk, a
/// FIFO that nobody opens); they own what they use.
class io_pool {
 public:
  explicit io_pool(std::size_t most_threads = 256);
  virtual ~io_pool();
  io_pool(const io_pool&) = delete;
  io_pool& operator=(const io_pool&) = delete;

  virtual void run(std::function<void()> job);

 private:
  struct core;
  std::shared_ptr<core> core_;
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
