#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace sluice::app {

/// Which other runs a run can't go on beside: those of the same pipeline with the same params, or all of the pipeline.
struct run_claim {
  std::string pipeline;
  std::uint64_t params = 0;  ///< a hash of their values
  bool alone = false;        ///< the pipeline's sources remember what runs have read: one run at a time

  bool operator==(const run_claim&) const = default;
};
run_claim claim_of(const pipeline& what);

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

/// The error already_running, which names the process that holds the claim.
error already_running(const run_claim& what, pid_t holder);

}  // namespace sluice::app
