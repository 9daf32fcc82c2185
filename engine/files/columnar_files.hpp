#pragma once

#include "engine/columns/source_columns.hpp"
#include "engine/component/component.hpp"
#include "engine/files/files.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sluice {

/// What a source of files that say their columns (Arrow IPC, Parquet) reads, found out when it is made.
struct columnar_table {
  std::vector<input_file> files;
  std::shared_ptr<arrow::Schema> records;
  source_columns columns;
  std::uint32_t number = 0;
  std::int64_t split_bytes = 0;
  bool want_positions = true;
};

/// Reads the columns that a file says it has.
using read_file_schema = std::function<result<std::shared_ptr<arrow::Schema>>(const input_file&)>;

/// Takes the columns of the first file, in the language's types, and compares those of the next ones (up to a hundred).
/// Null where no file could be read.
std::shared_ptr<arrow::Schema> infer_columnar(const source_request& request, const std::vector<input_file>& files,
                                              const read_file_schema& read_schema, diagnostics& faults);

/// Puts together what a source reads; null where a fault was added. `knows_rows` as in source_columns::choose.
std::shared_ptr<const columnar_table> make_columnar_table(const source_request& request, std::vector<input_file> files,
                                                          std::shared_ptr<arrow::Schema> records, bool knows_rows,
                                                          diagnostics& faults);

/// Gives the columns of one file in the language's types.
result<std::shared_ptr<arrow::Schema>> columns_of_file(const source_request& request, const input_file& file,
                                                       const read_file_schema& read_schema);

}  // namespace sluice
