#pragma once

#include "engine/component/source.hpp"

#include <vector>

namespace sluice {

/// A source whose splits come in another order when there are more of them (partitions, topics) says so by this
/// interface beside `source`.
class numbers_splits {
 public:
  virtual ~numbers_splits() = default;
  /// Called before the first `discover` of a run that goes on after another one: the splits that had positions there
  /// keep their numbers. Others may get any number that is free.
  virtual status keep_numbers(const std::vector<split_progress>& before) = 0;
};

}  // namespace sluice
