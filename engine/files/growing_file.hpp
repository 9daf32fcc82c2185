#pragma once

#include <cstdint>

namespace sluice {

/// A sink of one file that can say how large the file is so far: for `file_size`.
class growing_file {
 public:
  virtual ~growing_file() = default;
  /// Bytes written since `open`, and about those that it still holds in memory.
  [[nodiscard]] virtual std::int64_t size_so_far() const = 0;
};

}  // namespace sluice
