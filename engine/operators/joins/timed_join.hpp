#pragma once

#include "engine/operators/joins/join_plan.hpp"

#include <cstdint>
#include <memory>

namespace sluice::joins {

/// Makes the transform of `join: { within }`: rows with equal keys match if their event times are at most `within`
/// microseconds apart. Both sides are read as they come, and each row is kept until the watermark says that no row of
/// the other side can match it any more. Adds the fault no_event_time where an input has none.
std::unique_ptr<transform> make_timed_join(const transform_request& request, join_plan what, std::int64_t within,
                                           diagnostics& faults);

}  // namespace sluice::joins
