#pragma once

#include "engine/component/component.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace sluice::actors {

struct run_setup;

/// The sources of a run on one node: the readers and the enumerator of a unit share one object, because a source learns
/// from reading (line counts) what it needs for messages.
class shared_sources {
 public:
  /// Makes the unit's source the first time. Blocks; thread-safe.
  result<std::shared_ptr<source>> get(const run_setup& setup, int unit);

 private:
  std::mutex lock_;
  std::map<int, std::shared_ptr<source>> made_;
};

}  // namespace sluice::actors
