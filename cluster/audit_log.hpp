#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace sluice::cluster {

/// A request that changes something, or that its token does not allow.
struct audit_entry {
  std::int64_t time = 0;  ///< microseconds since 1970 UTC
  std::string who;        ///< the token's name; `owner`: the token of the state folder
  std::string role;
  std::string from;  ///< host:port
  std::string method;
  std::string path;  ///< as it was asked for, decoded
  int status = 0;
  std::string run;  ///< that a submission started
};

/// The file `audit.ndjson` of a state folder: one JSON object a line, appended whole. Lines are never changed or
/// removed. A thread of its own writes, so that nobody waits for a disk that hangs. Thread-safe.
class audit_log {
 public:
  explicit audit_log(const std::string& state_folder);
  /// Writes what is left first.
  ~audit_log();
  audit_log(const audit_log&) = delete;
  audit_log& operator=(const audit_log&) = delete;

  void write(const audit_entry& what);

 private:
  void work();
  void append(const std::string& text);

  const std::string path_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;  ///< lines
  bool ending_ = false;
  int file_ = -1;       ///< of the thread
  std::thread thread_;  // last: it uses the rest
};

}  // namespace sluice::cluster
