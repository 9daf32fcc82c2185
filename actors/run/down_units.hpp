#pragma once

#include "actors/run/run_setup.hpp"

#include <set>
#include <string>
#include <vector>

namespace sluice::actors {

/// Which load units of a run, in this process, can't reach their system (down_board). Part of the supervisor.
class down_units {
 public:
  /// Gives the events of those that have come to be down, or are reached again, since it was asked last.
  std::vector<store::event> look(const run_setup& of);

 private:
  std::set<std::string> down_;
};

}  // namespace sluice::actors
