#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice::app {

/// Keeps a second run of the same pipeline in the same state folder out, for as long as it lives; the kernel lets go of
/// it when the process dies, however it dies.
class run_lock {
 public:
  /// The error already_running names the pid of the one that holds it.
  static result<run_lock> take(const std::string& state_folder, const std::string& pipeline);
  run_lock(run_lock&& other) noexcept;
  run_lock& operator=(run_lock&&) = delete;
  ~run_lock();

 private:
  explicit run_lock(int file) : file_(file) {}
  int file_ = -1;
};

}  // namespace sluice::app
