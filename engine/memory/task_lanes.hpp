#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace sluice {

/// Runs jobs of several lanes on a few threads of its own: those of one lane one after the other, in the order posted;
/// those of different lanes at once. For sinks whose work on a batch falls into independent parts (columns). Posted to
/// by one thread, which may block.
class task_lanes {
 public:
  /// A job learns which of the threads runs it.
  using job = std::function<void(std::size_t thread)>;

  task_lanes(std::size_t lanes, std::size_t threads);
  /// Forgets jobs that have not begun and waits for the others.
  ~task_lanes();
  task_lanes(const task_lanes&) = delete;
  task_lanes& operator=(const task_lanes&) = delete;

  void post(std::size_t lane, job what);
  /// Waits until at most `jobs` have not ended.
  void wait(std::size_t jobs = 0);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice
