#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

/// A sink whose target gives up what was prepared if it is not committed in time. Asked when a run with checkpoints is
/// planned.
class limits_epochs {
 public:
  virtual ~limits_epochs() = default;
  /// The longest time between two checkpoints that its rows are committed with, in microseconds; none: any. The error
  /// of a longer one names `option`, a JSON pointer below the unit.
  [[nodiscard]] virtual std::optional<std::int64_t> longest_epoch() const = 0;
  [[nodiscard]] virtual const char* option() const = 0;
};

}  // namespace sluice
