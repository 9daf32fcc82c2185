#pragma once

namespace sluice {

/// A transform that keeps its input's order but may answer a batch long after it was taken (a join that spills), and
/// can do so in any order where nobody below minds.
class late_answers {
 public:
  virtual ~late_answers() = default;
  /// Called before the first batch: the output is never put in the order of its keys.
  virtual void release_order() = 0;
  /// True while output of batches of input 0 that were taken may be still to come: their places stay open.
  [[nodiscard]] virtual bool answers_late() const = 0;
};

}  // namespace sluice
