#pragma once

#include "engine/formats/csv/columns.hpp"
#include "engine/formats/csv/record_index.hpp"

#include <cstdint>
#include <vector>

/// Readers of one column's fields, eight rows at a time.
namespace sluice::csv {

/// Reads a field of the rows of a block into `out`, as far as it is in the plain form of its type and has at most 16
/// bytes: then what the kinds' `fast` (typed/fixed_kinds.hpp) accepts, to the same bits. Gives the number of rows that
/// were looked at, in whole groups of eight; those of them that are in another form are added to `odd`, ascending, and
/// have any value.
///
/// `field`: its index in the record; no CR is taken off. `inferred`: numbers that their type may be written otherwise
/// than (007, 1.0, -0), and such that may have more digits than it, count as another form. 16 bytes in front of each
/// field's end must be readable.
template <class Value>
using read_wide = std::int64_t (*)(const record_block& in, int field, bool inferred, Value* out,
                                   std::vector<std::uint32_t>& odd);

/// What a machine of that level has; null: nothing.
read_wide<double> wide_doubles(simd_level level);
read_wide<std::int64_t> wide_integers(simd_level level);
read_wide<std::int32_t> wide_dates(simd_level level);

}  // namespace sluice::csv
