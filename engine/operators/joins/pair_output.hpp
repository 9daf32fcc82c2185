#pragma once

#include "engine/component/transform.hpp"
#include "engine/operators/joins/join_plan.hpp"
#include "engine/operators/joins/timed_rows.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace sluice::joins {

/// Makes the output of a join bounded by time, of rows that its sides keep.
class pair_output {
 public:
  using both_sides = std::array<timed_rows, 2>;  ///< left, right

  explicit pair_output(const join_plan& what) : what_(&what) {}

  /// Leaves out the pairs (left[i], right[i]) that do not meet the conditions beside the keys. A condition that fails
  /// is an error of the run.
  status check(both_sides& sides, std::vector<timed_row>& left, std::vector<timed_row>& right, emitter& out) const;
  /// Emits pairs; `right` is empty where only the left's columns come out.
  status give(const both_sides& sides, const std::vector<timed_row>& left, const std::vector<timed_row>& right,
              emitter& out) const;
  /// Emits rows of one side (0: left) that have no match, beside nulls.
  status give_alone(const timed_rows& from, std::size_t side, const std::vector<timed_row>& rows, emitter& out) const;

 private:
  const join_plan* what_;
};

}  // namespace sluice::joins
