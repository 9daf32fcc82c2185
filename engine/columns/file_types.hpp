#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <memory>

/// The types of columnar files that say more than those by which the language holds values: json as Arrow's extension
/// arrow.json (Parquet: JSON), map(K, V) as a map.
namespace sluice {

/// The columns as a file has them; the same where none is such.
std::shared_ptr<arrow::Schema> file_schema(const std::shared_ptr<arrow::Schema>& schema);
/// Rows in the types of file_schema, which share the memory of `rows`. The error (value_out_of_range) names a map with
/// a key that is null, which files can't have.
result<std::shared_ptr<arrow::RecordBatch>> file_rows(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                      const std::shared_ptr<arrow::Schema>& schema);

}  // namespace sluice
