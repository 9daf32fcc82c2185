#pragma once

#include "engine/operators/binding.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

/// Makes the transform that keeps a row unless one of the same key was kept that happened less than `within`
/// microseconds before or after it. Keys are forgotten when the watermark has passed them. `by`: the key's columns.
/// Faults: no_event_time.
std::unique_ptr<transform> keep_rows_within(const transform_request& request, std::vector<int> by, std::int64_t within,
                                            diagnostics& faults);

}  // namespace sluice
