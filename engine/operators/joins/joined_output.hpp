#pragma once

#include "engine/component/component.hpp"
#include "engine/operators/joins/matcher.hpp"
#include "engine/operators/joins/ordered_runs.hpp"

namespace sluice::joins {

/// Takes what a matcher made to where it goes: on to the next unit, or into the runs that restore the left's order.
class joined_output {
 public:
  explicit joined_output(const join_plan& what) : what_(&what) {}

  /// From now on rows go into runs.
  void collect_in(ordered_runs& runs) { runs_ = &runs; }
  /// Begins and ends a pass over the left in its order.
  void begin_pass();
  status end_pass();
  /// The rows of the matcher's last call.
  status give(const keyed_rows& left, const build_side& right, const matcher& made, emitter& out);
  /// Rows of a block of the right that had no match; counts the others as merged.
  status give_unmatched(const build_side& right, std::size_t block, emitter& out);

 private:
  const join_plan* what_;
  ordered_runs* runs_ = nullptr;
};

}  // namespace sluice::joins
