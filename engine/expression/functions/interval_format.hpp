#pragma once

#include "engine/expression/functions/support.hpp"

namespace sluice::expression {

/// to_char(interval, format).
node_ptr bind_interval_to_char(binder& b, const call_site& site);

}  // namespace sluice::expression
