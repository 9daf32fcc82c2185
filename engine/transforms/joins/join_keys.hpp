#pragma once

#include "engine/transforms/binding.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::joins {

/// One equality of a join: an expression over each side, compared in their common type.
struct key_pair {
  expression::bound_ptr left, right;
  std::shared_ptr<arrow::DataType> type;
  bool same_name = false;  ///< both are columns of one name: the output has it once
};

/// Binds `using` (columns of both inputs) or `on` ("a.x = b.y and a.z = b.w").
std::vector<key_pair> bind_keys(const transform_request& request, diagnostics& faults);

}  // namespace sluice::joins
