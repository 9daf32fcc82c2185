#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

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

/// The same for one column. Fails with value_too_large where that is more than `most_text` bytes of text, and there are
/// several rows.
result<std::shared_ptr<arrow::Array>> gather_column(const std::vector<std::shared_ptr<arrow::Array>>& from,
                                                    std::span<const row_place> rows, std::int64_t most_text);

}  // namespace sluice
