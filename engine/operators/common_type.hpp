#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <memory>

namespace sluice {

/// The narrowest type that holds every value of both without loss, or null where there is none: integers widen,
/// decimals grow up to 76 digits, real becomes double, integers up to 32 bits become double, date becomes timestamp.
std::shared_ptr<arrow::DataType> common_type(const std::shared_ptr<arrow::DataType>& a,
                                             const std::shared_ptr<arrow::DataType>& b);

/// Casts a column to what common_type gave; shares it where the type is the same.
result<std::shared_ptr<arrow::Array>> widen(const std::shared_ptr<arrow::Array>& column,
                                            const std::shared_ptr<arrow::DataType>& to);

}  // namespace sluice
