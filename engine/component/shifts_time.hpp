#pragma once

#include <cstdint>

namespace sluice {

/// A transform of several inputs whose output does not happen when its inputs do says so by this interface beside
/// `transform`.
class shifts_time {
 public:
  virtual ~shifts_time() = default;
  /// True where the event times of an input count for what comes out: then its watermark does as well.
  [[nodiscard]] virtual bool reads_time(int input) const = 0;
  /// How much earlier than the watermark what comes out behind it may have happened, in microseconds: what is passed on
  /// is that much lower.
  [[nodiscard]] virtual std::int64_t delay() const = 0;
};

}  // namespace sluice
