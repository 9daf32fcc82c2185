#pragma once

#include "engine/operators/aggregates/accumulator.hpp"

namespace sluice::aggregates {

// Aggregates whose argument is a struct; each gives null for others.
accumulator_ptr make_collected(const expression::aggregate_call& call);   ///< string_agg, array_agg, percentiles, mode
accumulator_ptr make_regression(const expression::aggregate_call& call);  ///< corr, covar_..., regr_..., bit_...

}  // namespace sluice::aggregates
