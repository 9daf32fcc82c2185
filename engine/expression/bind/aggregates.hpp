#pragma once

#include "engine/expression/bind/binder.hpp"

#include <optional>

namespace sluice::expression {

/// Types a call of an aggregate, its filter included; `rows` binds what stands inside. Empty where a fault was added.
std::optional<aggregate_call> type_aggregate(binder& rows, const syntax& of);

/// Those with several arguments, or an order: string_agg, array_agg, percentiles, mode, corr, regr_..., bit_...
bool is_collected_aggregate(const std::string& name);
std::optional<aggregate_call> type_collected(binder& rows, const syntax& of);

}  // namespace sluice::expression
