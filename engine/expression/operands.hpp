#pragma once

#include "engine/expression/node.hpp"

#include <string>

namespace sluice::expression {

/// The type of an operand as messages name it: "null" for a bare null.
std::string kind_of(const node_ptr& of);
/// True for what takes the type of what it meets: a bare 'text' or null.
bool is_untyped(const node_ptr& of);

}  // namespace sluice::expression
