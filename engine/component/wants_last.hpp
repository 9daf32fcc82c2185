#pragma once

namespace sluice {

/// A transform that has one input which is of no use before all others have ended (a join's probe side) says so by this
/// interface beside `transform`: the input's sender is held back until then, unless that could block the others.
class wants_last {
 public:
  virtual ~wants_last() = default;
  [[nodiscard]] virtual int last_input() const = 0;
};

}  // namespace sluice
