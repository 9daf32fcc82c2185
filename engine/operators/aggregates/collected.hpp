#pragma once

#include "engine/operators/aggregates/accumulator.hpp"

namespace sluice::aggregates {

// Aggregates whose argument is a struct; each gives null for others.
accumulator_ptr make_collected(
    const expression::aggregate_call& call);  ///< string_agg, array_agg, percentile_disc, mode
accumulator_ptr make_percentiles(const expression::aggregate_call& call);   ///< percentile_cont, median
accumulator_ptr make_joined_texts(const expression::aggregate_call& call);  ///< string_agg without order and distinct
accumulator_ptr make_regression(const expression::aggregate_call& call);    ///< corr, covar_..., regr_..., bit_...

}  // namespace sluice::aggregates
