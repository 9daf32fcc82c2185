#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice {

/// Keeps one row for each of many groups (first, last, deduplicate) in columnar chunks. The chosen rows of a batch are
/// taken out of it together; a chunk most of whose rows were replaced is cleared of them, small chunks are put
/// together.
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
  struct chunk {
    std::shared_ptr<arrow::RecordBatch> rows;
    std::vector<std::uint32_t> groups;  ///< that each row was chosen for
    std::int64_t live = 0;              ///< rows that were not replaced
    std::int64_t bytes = 0;
  };
  struct place {
    std::uint32_t chunk = none, row = 0;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  [[nodiscard]] bool is_live(std::uint32_t number, std::uint32_t row) const {
    const auto& where = places_[chunks_[number].groups[row]];
    return where.chunk == number && where.row == row;
  }
  status add_chunk(const arrow::RecordBatch& from, std::span<const std::uint32_t> groups,
                   std::span<const std::int32_t> rows);
  status clear(std::uint32_t number);
  status merge_last_two();

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<chunk> chunks_;
  std::vector<place> places_;  ///< of each group's row
  std::int64_t bytes_ = 0;
};

}  // namespace sluice
