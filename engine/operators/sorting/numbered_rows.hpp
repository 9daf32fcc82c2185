#pragma once

#include "engine/error/error.hpp"
#include "engine/operators/sorting/key_numbers.hpp"
#include "engine/operators/sorting/row_stream.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

/// Puts rows in memory in order by the numbers that their keys make: no key is compared with another, and columns that
/// are in the numbers are not copied row by row but read from them.
///
/// Takes `rows`, which have one schema and at most `most_numbered_rows` each, and frees columns as it goes. Null, and
/// `rows` as they were, where the keys do not fit into 128 bits or there are too many batches.
result<std::unique_ptr<row_stream>> order_by_numbers(std::vector<packed_rows>& rows,
                                                     const std::vector<sort_column>& keys);
inline constexpr std::int64_t most_numbered_rows = std::int64_t{1} << 17;

/// About what a row takes beside its columns.
inline constexpr std::int64_t numbered_row_bytes = 20;

}  // namespace sluice
