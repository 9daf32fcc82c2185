#pragma once

#include "engine/component/component.hpp"

#include <memory>

namespace sluice::windows {

/// Makes the transform of an aggregate with `window:`.
std::unique_ptr<transform> make_window_aggregate(const transform_request& request, diagnostics& faults);

}  // namespace sluice::windows
