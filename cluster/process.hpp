#pragma once

#include <string>

namespace sluice::cluster {

/// Tells systemd, where NOTIFY_SOCKET names its socket; "READY=1", "STOPPING=1".
void notify_service_manager(const std::string& state);
/// Writes one line with the time to stderr, at once.
void log_line(const std::string& text);
/// The machine's name, for a node's default name.
std::string host_name();

/// Blocks SIGTERM and SIGINT in this thread and those it starts, so that `wait` gets them; SIGPIPE is ignored.
class stop_signals {
 public:
  stop_signals();
  /// Waits for one and gives its number.
  int wait();
};

}  // namespace sluice::cluster
