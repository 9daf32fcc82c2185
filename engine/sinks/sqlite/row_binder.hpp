#pragma once

#include "engine/error/row_errors.hpp"
#include "engine/sinks/sqlite/table.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct sqlite3_stmt;

namespace sluice::sqlite {

/// Binds the values of a batch's rows to a statement's question marks, in the form that the table keeps exactly.
///
/// Dates and times become ISO text with "+00:00" behind a timestamptz, lists and structs JSON text, decimals numbers
/// where the column holds numbers (up to 15 digits), else text. What SQLite can't hold is a row error: NaN (it would
/// become null), numbers of ubigint above its largest integer, and null in a key.
class row_binder {
 public:
  /// `null_for_misfits`: values that can't be held become null instead.
  row_binder(const table& into, bool null_for_misfits);
  ~row_binder();

  void start(std::shared_ptr<arrow::RecordBatch> rows);
  /// Binds all columns; an error where the row can't be stored.
  [[nodiscard]] std::optional<row_error> bind(sqlite3_stmt* to, std::int64_t row);
  /// Binds one column, already found to fit, to question mark `index` (from 1).
  void bind_column(sqlite3_stmt* to, int index, std::size_t column, std::int64_t row);
  /// "id=1, name=x", for messages.
  [[nodiscard]] std::string describe(std::int64_t row) const;
  /// Says that the row bound last was stored.
  void stored() { set_null_ += row_nulls_; }
  /// Values of stored rows that became null because SQLite can't hold them.
  [[nodiscard]] std::uint64_t set_null() const { return set_null_; }

 private:
  struct slot;
  std::vector<slot> slots_;
  std::shared_ptr<arrow::RecordBatch> rows_;
  bool null_for_misfits_;
  std::uint64_t row_nulls_ = 0;  ///< such values of the row bound last
  std::uint64_t set_null_ = 0;
};

}  // namespace sluice::sqlite
