#pragma once

#include "engine/component/component.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// Says which columns the batches of a source hold, in order: those of its records that are wanted and needed, then
/// what `metadata:` asks for. Made once per source; thread-safe.
class source_columns {
 public:
  enum class origin { record, path, row };
  struct column {
    origin from = origin::record;
    int index = -1;  ///< in the records' schema
  };

  /// Chooses from `records`, all columns that a record has. Faults: unknown_column, duplicate_column, unknown_metadata.
  /// `knows_rows`: the format can tell the number of a row in its file.
  static result<source_columns> choose(const source_request& request, const arrow::Schema& records, bool knows_rows,
                                       diagnostics& faults);

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  [[nodiscard]] const std::vector<column>& columns() const { return columns_; }
  /// Indices in the records' schema of the columns to read, ascending: those of the batches, and those that are read
  /// only to check them against the types that the user gave.
  [[nodiscard]] const std::vector<int>& wanted() const { return wanted_; }

  /// Puts a batch together: `read[i]` holds column `wanted()[i]`; the metadata are filled in. `first_row` is the number
  /// (from 1) of the first row in its file; `numbers`, where given, are those of all rows.
  [[nodiscard]] result<std::shared_ptr<arrow::RecordBatch>> assemble(
      const std::vector<std::shared_ptr<arrow::Array>>& read, std::int64_t rows, const std::string& path,
      std::int64_t first_row, const std::vector<std::int64_t>* numbers = nullptr) const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<column> columns_;
  std::vector<int> wanted_;
};

/// The schema of the records behind a plan's schema: without the columns that `metadata:` adds.
std::shared_ptr<arrow::Schema> records_of(const source_request& request);

/// Positions of consecutive records: rows [first, first + count) of a split, for formats without byte positions.
result<std::shared_ptr<arrow::FixedSizeBinaryArray>> row_positions(std::uint32_t source, std::uint32_t split,
                                                                   std::int64_t first, std::int64_t count);

}  // namespace sluice
