#pragma once

#include <chrono>

namespace sluice {

/// A source without end whose splits come more often than partitions of a topic do says so by this interface beside
/// `source`.
class looks_again {
 public:
  virtual ~looks_again() = default;
  /// How long after a `discover` the next one is due.
  [[nodiscard]] virtual std::chrono::milliseconds look_again_after() const = 0;
};

}  // namespace sluice
