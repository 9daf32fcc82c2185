#pragma once

#include "engine/batch.hpp"
#include "engine/error.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

/// A row of one of several batches.
struct row_place {
  std::uint32_t batch = 0;
  std::int32_t row = 0;
};

/// Copies rows of several batches with one schema, in this order, into one: each value is copied once. The result has
/// positions where all batches have some.
result<batch> gather_rows(const std::vector<const batch*>& from, std::span<const row_place> rows);

}  // namespace sluice
