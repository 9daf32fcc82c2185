#pragma once

#include "engine/component/options.hpp"
#include "engine/expression/expression.hpp"

namespace sluice::expression {

/// A function's description, as `sluice functions --json` and the HTTP API show it.
options function_json(const function_spec& of);

}  // namespace sluice::expression
