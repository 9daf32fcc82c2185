#pragma once

#include "engine/operators/gather.hpp"
#include "engine/operators/joins/join_plan.hpp"
#include "engine/operators/joins/row_index.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace sluice::joins {

/// Rows of a join's right input in blocks, the index over their keys, and which of them had a match. Where rows without
/// a match come out, rows that had one before they came here (from a checkpoint) have a number that is not 0.
class build_side {
 public:
  build_side(const join_plan& what, const key_layout& layout);

  /// Takes rows in: the kept columns of the right input. None has a null in its key.
  status add(keyed_rows rows);
  /// Prepares for lookups, one piece of work a call; false when it is done.
  result<bool> prepare();

  [[nodiscard]] const row_index& index() const { return index_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  /// True once `prepare` was called.
  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }
  [[nodiscard]] std::int64_t rows_of(std::size_t block) const { return blocks_[block]->keys.rows; }

  /// Values of a column of the right input, as far as it is kept, at some rows; no_row gives null. Fails with
  /// value_too_large where that would be more than `most_text` bytes of text, and there are several rows.
  [[nodiscard]] result<std::shared_ptr<arrow::Array>> column(int column, std::span<const std::uint32_t> rows,
                                                             std::int64_t most_text) const;
  /// Positions of rows; null where none came with them.
  [[nodiscard]] result<std::shared_ptr<arrow::FixedSizeBinaryArray>> positions(
      std::span<const std::uint32_t> rows) const;

  void mark(std::uint32_t row) { marks_[row / 64] |= std::uint64_t{1} << (row % 64); }
  /// Rows of a block that were never marked.
  [[nodiscard]] std::vector<std::uint32_t> unmarked(std::size_t block) const;

  [[nodiscard]] std::int64_t bytes() const;
  /// What it takes once it is prepared.
  [[nodiscard]] std::int64_t bytes_prepared() const;
  /// Gives all rows back, as they were added, and is empty then. Only before `prepare`.
  [[nodiscard]] std::vector<keyed_rows> release();
  /// Calls `take` with all rows, in the order in which they were added. Where rows without a match come out, each has a
  /// number that says whether it has had one.
  status each(const std::function<status(const keyed_rows&)>& take);

 private:
  status seal(std::int64_t rows);
  void take_marks();
  [[nodiscard]] result<std::shared_ptr<arrow::UInt64Array>> marks_of(std::size_t block) const;
  [[nodiscard]] const std::vector<row_place>& places_of(std::span<const std::uint32_t> rows) const;

  const join_plan* what_;
  row_index index_;
  std::vector<int> kept_at_;        ///< place of each column of the right input among the kept ones
  std::deque<keyed_rows> pending_;  ///< not yet in blocks
  std::int64_t pending_rows_ = 0;
  std::vector<std::unique_ptr<keyed_rows>> blocks_;
  std::int64_t rows_ = 0;
  std::int64_t row_bytes_ = 0;
  bool begun_ = false;
  std::vector<arrow::ArrayVector> columns_;  ///< of each kept column: its blocks, and a row of null
  arrow::ArrayVector positions_;
  std::vector<std::uint64_t> marks_;
  mutable std::vector<row_place> places_;
};

}  // namespace sluice::joins
