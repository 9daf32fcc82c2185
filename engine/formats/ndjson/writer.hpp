#pragma once

#include "engine/columns/growing_bytes.hpp"
#include "engine/error/row_errors.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ndjson {

/// Writes rows as JSON objects, one a line.
///
/// Decimals are numbers with all their digits, dates and times ISO 8601 texts (timestamptz in UTC with Z), bytes a text
/// like "\x0a0b", intervals texts. Null fields are written. JSON has no NaN and no infinities: such a row is an error.
class record_writer {
 public:
  /// `null_for_misfits`: NaN and infinities become null.
  record_writer(const arrow::Schema& schema, bool null_for_misfits);
  ~record_writer();

  /// Prepares for the rows of a batch.
  void start(const arrow::RecordBatch& rows);
  /// Appends the lines of rows from `row` on until `out` has about `enough` bytes; gives the next row. A row that can't
  /// be written is passed over and told in `refused`.
  std::int64_t write(std::int64_t row, std::int64_t enough, growing_bytes& out, row_errors& refused);
  /// Values that were written as null because JSON has none like them.
  [[nodiscard]] std::uint64_t set_null() const { return set_null_; }

 private:
  struct node;
  std::vector<node> nodes_;
  std::int64_t rows_ = 0;
  bool null_for_misfits_;
  std::uint64_t set_null_ = 0;
};

}  // namespace sluice::ndjson
