#pragma once

#include "engine/expression/node.hpp"

namespace sluice::expression {

/// True for `a and b`: inputs[0] is evaluated for all rows, inputs[1] only where it is not false.
bool is_conjunction(const node& of);

}  // namespace sluice::expression
