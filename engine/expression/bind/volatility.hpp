#pragma once

#include "engine/expression/expression.hpp"

namespace sluice::expression {

/// True where two evaluations of the same row may differ: random(), uuid().
bool is_volatile(const bound_ptr& of);

}  // namespace sluice::expression
