#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

/// True where scatter_column knows the type.
bool can_scatter(const arrow::DataType& type);

/// Puts the rows of several arrays into one: row r of from[i] becomes row to[i][r]. All `rows` places are given once.
///
/// The opposite of gathering, for few targets that each grow row by row: the arrays are read from front to back, where
/// gathering would fetch each cache line once for every target. Texts may have 2 GiB in all.
result<std::shared_ptr<arrow::Array>> scatter_column(const std::vector<std::shared_ptr<arrow::Array>>& from,
                                                     const std::vector<std::vector<std::uint32_t>>& to,
                                                     std::int64_t rows);

}  // namespace sluice
