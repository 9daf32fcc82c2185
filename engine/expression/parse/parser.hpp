#pragma once

#include "engine/error/error.hpp"
#include "engine/expression/parse/syntax.hpp"

#include <string_view>

namespace sluice::expression {

/// How deep expressions may be nested: recursion over the tree stays far from the end of the stack.
inline constexpr int deepest_expression = 500;

/// Parses one expression by PostgreSQL's grammar and precedence. Null if there are faults.
syntax_ptr parse(std::string_view text, const std::string& path, diagnostics& faults);

}  // namespace sluice::expression
