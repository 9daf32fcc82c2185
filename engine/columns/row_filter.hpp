#pragma once

#include "engine/expression/expression.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// A condition that was pushed into a reader, bound to the columns that it reads. Immutable; may be shared by threads.
class row_filter {
 public:
  /// Binds a condition over the columns of a source's batches, which it may call by the unit's name.
  static result<std::shared_ptr<const row_filter>> make(const std::string& condition, const std::string& unit,
                                                        const run_context& context,
                                                        const std::shared_ptr<arrow::Schema>& columns);

  /// Columns that it reads: indices in the schema of the source's batches, ascending.
  [[nodiscard]] const std::vector<int>& columns() const { return columns_; }
  /// Whether rows of these columns (those of `columns()`, in that order) stay: one bit a row from bit 0, set also where
  /// the condition has an error; no nulls.
  [[nodiscard]] result<std::shared_ptr<arrow::BooleanArray>> keep(
      const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t rows) const;
  /// The condition, bound over a schema of `columns()` alone.
  [[nodiscard]] const expression::bound_ptr& condition() const { return condition_; }
  /// A part of the condition that reads one text and nothing else.
  struct text_part {
    int column;                       ///< index in `columns()`
    expression::bound_ptr condition;  ///< over a schema of that column alone
  };
  /// Such parts that stand at the condition's begin, joined by AND, in order: a row for which one of them is false, and
  /// none before it has an error, does not stay, whatever the rest says.
  [[nodiscard]] const std::vector<text_part>& leading_texts() const { return leading_texts_; }
  /// Leaves rows out of a source's batch, counting them.
  [[nodiscard]] result<batch> apply(batch rows, std::uint64_t& left_out) const;

 private:
  std::vector<int> columns_;
  std::shared_ptr<arrow::Schema> schema_;
  expression::bound_ptr condition_;
  std::vector<text_part> leading_texts_;
};

/// Numbers of the rows that stay, ascending; for what `row_filter::keep` gives.
std::vector<std::uint32_t> kept_rows(const arrow::BooleanArray& keep);

}  // namespace sluice
