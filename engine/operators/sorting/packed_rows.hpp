#pragma once

#include "engine/operators/gather.hpp"
#include "engine/values/batch.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace sluice {

/// A batch that waits for others in as little memory as is cheap to read: columns of whole numbers (times and decimals
/// of up to 18 digits, too) as distances from their least value, in as few bytes as the greatest distance takes; and
/// positions that follow each other as the first of them. Other columns are kept as they are.
class packed_rows {
 public:
  explicit packed_rows(const batch& rows);

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  /// Bytes that it takes, and that its rows take as a batch.
  [[nodiscard]] std::int64_t bytes() const;
  [[nodiscard]] std::int64_t plain_bytes() const { return plain_bytes_; }

  /// A column as it was, and all of them.
  [[nodiscard]] result<std::shared_ptr<arrow::Array>> plain(int column) const;
  [[nodiscard]] result<batch> unpack() const;
  /// Frees a column, which is not asked for any more.
  void drop(int column);
  [[nodiscard]] bool has_positions() const { return first_ || positions_; }
  [[nodiscard]] position position_of(std::int64_t row) const;

  /// A column of some rows of several batches with one schema, in this order.
  static result<std::shared_ptr<arrow::Array>> gather(const std::vector<packed_rows>& from, int column,
                                                      std::span<const row_place> rows);

 private:
  struct packed_column {
    std::shared_ptr<arrow::Array> plain;    ///< null: packed
    std::shared_ptr<arrow::Buffer> values;  ///< of `width` bytes each; 0: all are the least one
    std::uint64_t least = 0;
    int width = 0;
    std::shared_ptr<arrow::Buffer> valid;  ///< null: no value is null
  };
  static packed_column pack(const std::shared_ptr<arrow::Array>& from);
  struct source;
  [[nodiscard]] source source_of(int column) const;

  std::shared_ptr<arrow::Schema> schema_;
  std::int64_t rows_ = 0;
  std::int64_t plain_bytes_ = 0;
  std::vector<packed_column> columns_;
  std::shared_ptr<arrow::FixedSizeBinaryArray> positions_;
  std::optional<position> first_;  ///< each other position is the one behind
};

}  // namespace sluice
