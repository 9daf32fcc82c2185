#pragma once

namespace sluice {

/// A transform whose calls may block (spilling) or take longer than 10 ms (sorting, merging). Such calls run beside the
/// scheduler's threads, one at a time. They are cut up all the same, so that a cancelled run ends soon.
class may_block {
 public:
  virtual ~may_block() = default;
  /// Asked before each call.
  [[nodiscard]] virtual bool next_call_may_block() const = 0;
};

}  // namespace sluice
