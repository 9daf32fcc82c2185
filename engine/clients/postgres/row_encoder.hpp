#pragma once

#include "engine/clients/postgres/byte_buffer.hpp"
#include "engine/clients/postgres/server_type.hpp"
#include "engine/error/row_errors.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::postgres {

/// A column of ours and what it is in the table.
struct target_column {
  std::string name;  ///< in the table
  server_type type;
  bool required = false;  ///< NOT NULL
  bool key = false;       ///< a null in it is an error
};

/// Writes rows in COPY's binary format (PostgreSQL's documentation, COPY, "Binary Format"): what the server's receive
/// functions read. Values that they would change without a word (longer than varchar(n), more places than
/// numeric(p,s)) are row errors here.
class row_encoder {
 public:
  /// For rows of a schema, its columns being those of the table in the same order, none of which is a `misfit`.
  /// `null_for_misfits`: a value that does not fit becomes null.
  row_encoder(const arrow::Schema& schema, const std::vector<target_column>& columns, bool null_for_misfits);
  ~row_encoder();

  /// What stands before the first row and behind the last one.
  static void begin(byte_buffer& out);
  static void end(byte_buffer& out);

  /// The next rows are of this batch.
  void start(std::shared_ptr<arrow::RecordBatch> rows);
  /// Appends a row; where a value does not fit, nothing, and says why.
  /// With a `number` the row has one more column behind ours, a bigint.
  std::optional<row_error> append(std::int64_t row, byte_buffer& out, std::optional<std::int64_t> number = {});
  /// Values of all rows so far that became null.
  [[nodiscard]] std::uint64_t set_null() const { return set_null_; }
  /// "id=7, name=x": for messages.
  [[nodiscard]] std::string describe(std::int64_t row) const;

  struct slot;  ///< in the .cpp

 private:
  std::vector<slot> slots_;
  std::shared_ptr<arrow::RecordBatch> rows_;
  bool null_for_misfits_;
  std::uint64_t set_null_ = 0;
};

}  // namespace sluice::postgres
