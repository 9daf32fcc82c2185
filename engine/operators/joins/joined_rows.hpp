#pragma once

#include "engine/operators/joins/build_side.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::joins {

/// Makes output of a batch of the left and a build side: rows[i] of the left beside right[i] (no_row: nulls; empty
/// where the output does not show the right). Cut into several batches where texts are large. Where the rows of the
/// left follow each other, their columns are shared.
result<std::vector<batch>> joined_rows(const join_plan& what, const batch& left, const build_side& right,
                                       std::span<const std::int32_t> left_rows,
                                       std::span<const std::uint32_t> right_rows);

/// Rows of the right without a match, beside nulls.
result<std::vector<batch>> unmatched_rows(const join_plan& what, const build_side& right,
                                          std::span<const std::uint32_t> right_rows);

/// Whole batches of kept columns of the right, that match nothing.
result<batch> unmatched_rows(const join_plan& what, const batch& right);

}  // namespace sluice::joins
