#pragma once

#include "engine/expression/windows.hpp"
#include "engine/operators/window_functions/segment.hpp"

#include <cstdint>
#include <vector>

namespace sluice::window_functions {

/// The rows that a call works on, of each row of a segment: [begin, end), and behind a gap [second_begin, second_end)
/// where rows are excluded. Inside of a partition none of the four ever goes back.
struct frame_rows {
  std::vector<std::int64_t> begin, end;
  std::vector<std::int64_t> second_begin, second_end;  ///< empty without an exclusion
  /// EXCLUDE TIES: the row itself is added, where it lies in the frame.
  std::vector<std::uint8_t> self = {};
};

/// Finds them. Offsets of `range` are compared by the keys that `in` has; null keys are peers of each other only.
result<frame_rows> find_frames(const segment& of, const expression::window_frame& frame,
                               const std::vector<expression::window_order>& order, const inputs& in);

}  // namespace sluice::window_functions
