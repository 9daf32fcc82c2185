#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::window_functions {

/// Says in which rows a column has another value than in the row before, batch by batch. Two nulls are equal, so are -0
/// and 0, two NaN, and intervals of one length.
class changes {
 public:
  /// Sets flags[row] to 1 in those rows and leaves the others as they are. The first row of all is a change.
  status mark(std::shared_ptr<arrow::Array> column, std::vector<std::uint8_t>& flags);

 private:
  std::optional<std::string> last_;  ///< of the last row, its bytes; nothing where it is null
  bool any_ = false;
};

}  // namespace sluice::window_functions
