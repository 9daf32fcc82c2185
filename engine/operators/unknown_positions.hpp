#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

namespace sluice {

/// Positions of rows that were made here (by an aggregate), where the rows of the input had some.
std::shared_ptr<arrow::UInt64Array> unknown_positions(std::int64_t rows);

}  // namespace sluice
