#pragma once

#include "engine/expression/bind/bounds.hpp"

#include <parquet/arrow/schema.h>
#include <parquet/metadata.h>

#include <string>
#include <vector>

namespace sluice::row_groups {

/// A bound of a filter for a column of a file.
struct named_bound {
  std::string column;
  expression::column_bound bound;
};

/// True where the statistics of a row group say that none of its rows keeps all bounds.
bool holds_nothing(const parquet::RowGroupMetaData& group, const parquet::arrow::SchemaManifest& file,
                   const std::vector<named_bound>& bounds);

}  // namespace sluice::row_groups
