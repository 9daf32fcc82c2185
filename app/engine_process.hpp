#pragma once

#include "app/oom_kills.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace sluice::app {

/// How the engine's process ended.
struct engine_end {
  pid_t pid = 0;
  int exit_code = 0;                                 ///< where it ended by itself
  int signal = 0;                                    ///< that killed it, else 0
  bool killed_by_user = false;                       ///< Ctrl-C twice: we did it
  std::uint64_t peak_memory = 0;                     ///< bytes
  oom_verdict out_of_memory = oom_verdict::unknown;  ///< of a process that SIGKILL ended
};

/// Runs `work` in a child process and waits for it, so that even an engine that the kernel kills has its death
/// reported.
///
/// Must be called before the process has any thread. The parent passes on what concerns it: Ctrl-C becomes
/// `interrupt_signal` in the child (the terminal's own SIGINT is ignored there, so that it counts once), TERM and HUP
/// become SIGTERM; a second Ctrl-C kills. The child has these signals blocked: it waits for them when it likes. It is
/// killed when the parent dies.
engine_end run_in_child(const std::function<int()>& work);

/// What Ctrl-C is in the child.
extern const int interrupt_signal;

/// "was killed by signal 9 (SIGKILL): the kernel's OOM killer ended it, because memory ran out".
std::string death_text(const engine_end& end);

}  // namespace sluice::app
