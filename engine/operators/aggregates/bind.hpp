#pragma once

#include "engine/component/component.hpp"
#include "engine/operators/aggregates/aggregation.hpp"

#include <memory>
#include <optional>

namespace sluice::aggregates {

struct bound_aggregation {
  aggregation what;
  std::shared_ptr<arrow::Schema> schema;  ///< of the rows made: the keys, then what is computed
};

/// Binds `by` and `compute` of a request; empty where a fault was added.
std::optional<bound_aggregation> bind(const transform_request& request, diagnostics& faults);

}  // namespace sluice::aggregates
