#pragma once

#include "engine/component/state.hpp"
#include "engine/error/error.hpp"

#include <functional>

namespace sluice {

/// A transform that keeps rows on disk where memory is short hands those out by this interface beside `transform`, a
/// part at a time, so that they are never in memory together; so does one that holds so much that a copy of it would be
/// a burden. Both calls block.
class spilled_state {
 public:
  virtual ~spilled_state() = default;
  using part_taker = std::function<status(const state_part&)>;
  /// True where `hand_out` has anything to give.
  [[nodiscard]] virtual bool has_spilled() const = 0;
  /// Gives it for some key groups, without changing it; beside what `state` gives, right behind it.
  virtual status hand_out(key_groups of, const part_taker& take) = 0;
  /// Takes back a part that `hand_out` gave, behind `restore`. Part by part in the order in which they were given;
  /// instances one after the other.
  virtual status take_in(const state_part& part) = 0;
};

}  // namespace sluice
