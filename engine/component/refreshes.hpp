#pragma once

#include "engine/component/state.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice {

/// A transform that reads one of its inputs to the end before anything comes out (a join's right), and can do so again
/// every so often: the run then takes a checkpoint and goes on behind it without what was read of that input.
class refreshes {
 public:
  virtual ~refreshes() = default;
  /// Microseconds between two readings; none: once.
  [[nodiscard]] virtual std::optional<std::int64_t> refresh() const = 0;
  [[nodiscard]] virtual int refreshed_input() const = 0;
  /// Takes out of a state what was read of that input.
  virtual void forget(std::vector<state_part>& parts) const = 0;
};

}  // namespace sluice
