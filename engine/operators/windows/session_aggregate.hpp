#pragma once

#include "engine/operators/windows/window_columns.hpp"
#include "engine/operators/windows/window_rule.hpp"

#include <memory>

namespace sluice::windows {

/// Makes the transform of an aggregate with `window: { session: ... }`.
std::unique_ptr<transform> make_session_aggregate(const transform_request& request, std::unique_ptr<bound_windows> what,
                                                  const window_rule& rule);

}  // namespace sluice::windows
