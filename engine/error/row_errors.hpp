#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// Says why one row of a batch could not be worked on. It is data on its way to the rejects, not an `error`.
struct row_error {
  std::int64_t row = 0;  ///< index in the batch
  std::string code;      ///< stable: division_by_zero, numeric_overflow, invalid_cast, ...
  std::string column;    ///< column or derived name, may be empty
  std::string message;   ///< what was expected and found, with the value
};

/// Sorted by row, at most one entry a row and column.
using row_errors = std::vector<row_error>;

}  // namespace sluice
