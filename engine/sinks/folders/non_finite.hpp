#pragma once

#include "engine/error/row_errors.hpp"

#include <arrow/type_fwd.h>

namespace sluice::folders {

/// Finds the rows with a NaN or an infinity, also within lists and structs: JSON has none. At most one entry a row, as
/// the writer of JSON tells it.
void find_non_finite(const arrow::RecordBatch& rows, row_errors& found);

}  // namespace sluice::folders
