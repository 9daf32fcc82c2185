#pragma once

#include "engine/component/interruption.hpp"

#include <cstddef>
#include <string>

namespace sluice {

/// Writes to standard output, a device or a named pipe: bytes are out at once and can't be taken back. When a pipe's
/// reader goes, further bytes are dropped without an error. Calls wait for a reader; `stop` ends that, and the call
/// fails with interrupted.
class direct_output {
 public:
  explicit direct_output(interruption& stop) : stop_(stop) {}
  ~direct_output() { close(); }
  direct_output(const direct_output&) = delete;
  direct_output& operator=(const direct_output&) = delete;

  void use_standard_output();
  /// Opens what is no regular file; waits until somebody reads a named pipe.
  status open(const std::string& path);
  status write(const void* data, std::size_t size);
  void close() noexcept;

 private:
  void look_at_kind();

  interruption& stop_;
  std::string name_;  ///< for messages
  int file_ = -1;
  bool waits_ = true;  ///< may have no room for what is written; not so a regular file
  bool reader_gone_ = false;
};

}  // namespace sluice
