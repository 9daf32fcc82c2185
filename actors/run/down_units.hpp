#pragma once

#include "actors/run/instance_reports.hpp"
#include "actors/run/run_setup.hpp"

#include <cstdint>
#include <set>
#include <vector>

namespace sluice::actors {

/// Which units of a run can't reach their system, on whichever node they are. Part of the supervisor.
class down_units {
 public:
  /// Gives the events of those that have come to be down, or are reached again, since it was asked last.
  std::vector<store::event> look(const run_setup& of, const instance_reports& reports);

 private:
  std::set<std::uint32_t> down_;
};

}  // namespace sluice::actors
