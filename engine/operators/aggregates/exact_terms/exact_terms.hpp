#pragma once

#include <cstdint>

/// How doubles become what exact_sums adds to its bins (exact_sum.hpp), many at a time.
namespace sluice::aggregates {

inline constexpr int terms_at_once = 128;

/// The integers of 128 bits to add, and the bins to add them to.
struct exact_terms {
  std::uint64_t low[terms_at_once];
  std::int64_t high[terms_at_once];
  std::uint64_t bin[terms_at_once];
};

/// The bins that each group has.
struct bin_window {
  std::uint32_t first;  ///< number of the lowest
  std::uint32_t width;  ///< how many
  std::uint32_t plain;  ///< how many of them are for finite values only
};

/// Makes the terms of up to `terms_at_once` values. False where one of them needs a bin that is not there, or is not
/// finite; the terms then mean nothing. Zero adds nothing, to any bin.
using make_terms = bool (*)(const double* values, const std::uint32_t* groups, std::int64_t rows,
                            const bin_window& window, exact_terms& out);

/// The one for machines of a generation (loops.hpp); all make the same.
make_terms find_make_terms(int generation);

}  // namespace sluice::aggregates
