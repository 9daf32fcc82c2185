#pragma once

#include "engine/error/error.hpp"

#include <atomic>
#include <chrono>
#include <string>

namespace sluice {

/// Ends the waiting of another thread. Once raised it stays so: nothing waits any more.
class interruption {
 public:
  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;

  void raise() noexcept;
  [[nodiscard]] bool raised() const noexcept { return raised_; }
  /// Sleeps; false where it was raised meanwhile or before.
  bool sleep_until(std::chrono::steady_clock::time_point when) noexcept;
  /// Waits until a file has something to read or has ended; false where it was raised.
  bool wait_readable(int file) noexcept;
  /// The same, for no longer than that; true also where the time is over.
  bool wait_readable(int file, std::chrono::steady_clock::time_point until) noexcept;
  /// Waits until a file takes something, or nobody reads it any more; false where it was raised.
  bool wait_writable(int file) noexcept;

 private:
  bool wait(int file, short events) noexcept;

  int event_;  ///< readable once raised; -1 where the system gave none: then nothing ends early
  std::atomic<bool> raised_ = false;
};

/// The error of a call that was stopped while it waited; `doing` as in "reading standard input".
error interrupted_error(const std::string& doing);

}  // namespace sluice
