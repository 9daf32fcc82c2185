#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::app {

/// How many processes the kernel has killed because memory was short, as far as that can be read.
struct oom_kills {
  std::optional<std::uint64_t> group;    ///< of the control group that this process is in
  std::optional<std::uint64_t> machine;  ///< of all
};

/// Reads them from /proc and /sys, both of cgroup v2 and v1. `root` stands before these, for tests.
oom_kills read_oom_kills(const std::string& root = "");

/// Whether the kernel has killed a process because memory was short.
enum class oom_verdict {
  unknown,  ///< nothing can be read
  no,       ///< it has killed none meanwhile
  likely,   ///< it has killed one: in this control group, or on this machine
  yes,      ///< the kernel's log names the process
};

/// What is known of a process that SIGKILL ended between the two. `kernel_log`: of its time.
oom_verdict judge_oom(const oom_kills& before, const oom_kills& after, std::string_view kernel_log, pid_t process);

/// The kernel's log from a time on, in microseconds of the monotonic clock; empty where it may not be read.
std::string read_kernel_log(std::int64_t since);

/// "no", "likely" ...
const char* to_string(oom_verdict verdict);

}  // namespace sluice::app
