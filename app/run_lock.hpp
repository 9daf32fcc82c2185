#pragma once

#include "engine/runs/claim.hpp"

#include <sys/types.h>

#include <string>

namespace sluice::app {

/// Holds a claim in a state folder for as long as it lives; the kernel lets go of it when the process dies, however it
/// dies. A process holds one at a time.
class run_lock {
 public:
  /// Takes the claim, unless another process holds one that it can't go on beside: then nothing is held.
  static result<run_lock> take(const std::string& state_folder, const run_claim& what);
  run_lock() = default;
  run_lock(run_lock&& other) noexcept;
  run_lock& operator=(run_lock&& other) noexcept;
  ~run_lock();

  [[nodiscard]] bool held() const { return file_ >= 0; }
  /// The process that has it where it is not held; 0 where that can't be seen from here (another container).
  [[nodiscard]] pid_t holder() const { return holder_; }

 private:
  int file_ = -1;
  pid_t holder_ = 0;
};

}  // namespace sluice::app
