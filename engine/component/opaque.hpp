#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Writes the bytes that components hand out and get back later: positions of splits, tokens of sinks. They begin with
/// a letter for what they are of, so that foreign ones are seen.
class opaque_writer {
 public:
  explicit opaque_writer(char kind) : bytes_(1, kind) {}
  opaque_writer& number(std::int64_t value);
  opaque_writer& text(std::string_view value);
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads them, in the order in which they were written.
class opaque_reader {
 public:
  opaque_reader(std::string_view bytes, char kind) : rest_(bytes), good_(!bytes.empty() && bytes.front() == kind) {
    if (good_) rest_.remove_prefix(1);
  }
  /// 0 or empty where there is no such value any more.
  std::int64_t number();
  std::string text();
  [[nodiscard]] bool failed() const { return !good_; }
  /// Whether all was there and nothing is left; the error (foreign_bytes) names `what` was read.
  [[nodiscard]] status done(const std::string& what) const;

 private:
  std::string_view rest_;
  bool good_;
};

}  // namespace sluice
