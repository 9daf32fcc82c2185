#pragma once

#include <atomic>
#include <chrono>

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

 private:
  int event_;  ///< readable once raised; -1 where the system gave none: then nothing ends early
  std::atomic<bool> raised_ = false;
};

}  // namespace sluice
