#pragma once

#include <cstdint>
#include <string>

namespace sluice::store {

/// A process that runs pipelines, as others have to know it: containers share state folders, not pids.
struct process_record {
  std::string id = {};             ///< UUID, new with every start
  std::string boot = {};           ///< the kernel's boot id; empty: unknown
  std::string pid_namespace = {};  ///< "pid:[4026531836]"; empty: unknown
  std::int64_t pid = 0;
  std::int64_t pid_started = 0;  ///< when it began (`process_start`), because pids are used again
  std::string host = {};
  std::string node = {};  ///< the node's name, "local" for `sluice run`
};

/// A process's sign of life in the Store.
struct lease {
  process_record holder = {};
  std::int64_t beat = 0;    ///< microseconds since 1970 UTC of the last one
  std::int64_t uptime = 0;  ///< the same moment in microseconds since the holder's machine was started
};

/// How often a process tells that it lives, and how long a lease holds without that.
constexpr std::int64_t beat_microseconds = 3'000'000;
constexpr std::int64_t lease_microseconds = 15'000'000;

/// Who looks at a lease, and when.
struct observer {
  std::string boot = {};
  std::string pid_namespace = {};  ///< empty: /proc is not that of the own namespace, so that no pid can be looked up
  std::int64_t now = 0;
  std::int64_t uptime = 0;
  /// False where the Store let the observer wait: the holder may have waited for it too, and nothing can be concluded
  /// from its silence.
  bool prompt = true;
};

/// Whether a holder lives, as far as the observer can know: in the same boot and PID namespace a missing process is
/// dead at once; everywhere a lease is over that was not renewed in time.
bool is_alive(const lease& of, const observer& by);

/// This process and this moment.
process_record this_process(const std::string& node);
observer observe();

/// When a process began, in clock ticks since boot; 0 if there is none with that pid.
std::int64_t process_start(std::int64_t pid);
/// Microseconds since the machine was started, sleep included.
std::int64_t uptime_microseconds();

}  // namespace sluice::store
