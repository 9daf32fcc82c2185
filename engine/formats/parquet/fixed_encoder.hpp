#pragma once

#include "engine/formats/parquet/column_encoder.hpp"

namespace sluice::parquet_writing {

/// Makes the encoder of a type whose values all have one size, or gives null.
std::unique_ptr<column_encoder> make_fixed_encoder(const arrow::DataType& type,
                                                   const ::parquet::ColumnDescriptor& column,
                                                   std::shared_ptr<arrow::util::Codec> codec);
/// Makes the encoder of text and bytes.
std::unique_ptr<column_encoder> make_text_encoder(const ::parquet::ColumnDescriptor& column,
                                                  std::shared_ptr<arrow::util::Codec> codec);

}  // namespace sluice::parquet_writing
