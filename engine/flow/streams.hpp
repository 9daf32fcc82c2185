#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice::flow {

/// The kind of instance_snapshot::streams: the places of the inputs (inbox), then the state of the outputs
/// (order_stamper).
inline constexpr char streams_of_unit = 'u';

/// The states of the order_stampers of a unit's instances, as one that each of their successors begins with, however
/// many there are: it knows every place that one of them had begun. Errors: not_scalable, where one has taken in what
/// it has not answered; foreign_state.
result<std::string> together(const std::vector<std::string>& stampers);

}  // namespace sluice::flow
