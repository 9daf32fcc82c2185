#pragma once

#include "engine/component/component.hpp"
#include "engine/operators/aggregates/aggregation.hpp"

#include <memory>

namespace sluice::aggregates {

struct bound_aggregation {
  aggregation what;
  std::shared_ptr<arrow::Schema> schema;  ///< of the rows made: the keys, then what is computed
  bool whole = true;                      ///< else a part has a fault or reads unknown columns: only the schema counts
};

/// Binds `by` and `compute` of a request.
bound_aggregation bind(const transform_request& request, diagnostics& faults);

}  // namespace sluice::aggregates
