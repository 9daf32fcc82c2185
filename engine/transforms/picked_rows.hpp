#pragma once

#include "engine/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice {

/// Keeps one row for each of many groups (first, last, deduplicate) in columnar chunks: the chosen rows of a batch are
/// taken out of it together, and rows that were replaced are cleared away once they are more than those that count.
class picked_rows {
 public:
  explicit picked_rows(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {}

  /// Makes row rows[i] of `from` the row of groups[i]; a later pair wins over an earlier one of the same group.
  status put(const arrow::RecordBatch& from, std::span<const std::uint32_t> groups, std::span<const std::int32_t> rows,
             std::size_t group_count);
  /// The rows of some groups, in this order. A group without a row gives nulls.
  result<std::shared_ptr<arrow::RecordBatch>> take(std::span<const std::uint32_t> groups);
  [[nodiscard]] std::int64_t bytes() const;

 private:
  status merge_chunks();

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> chunks_;
  std::vector<std::int64_t> starts_;  ///< row number of each chunk's first row
  std::int64_t stored_ = 0;           ///< rows in all chunks
  std::int64_t stored_bytes_ = 0;
  std::vector<std::int64_t> row_of_;  ///< of each group, over all chunks; -1: none
};

}  // namespace sluice
