#pragma once

#include "engine/formats/parquet/row_writer.hpp"

namespace sluice::parquet_writing {

/// Writes any columns, nested ones too, with Arrow's writer: on one thread.
std::unique_ptr<row_writer> make_arrow_file(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                            file_target_stream& to);

}  // namespace sluice::parquet_writing
