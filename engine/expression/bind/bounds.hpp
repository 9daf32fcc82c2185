#pragma once

#include "engine/expression/expression.hpp"

#include <string>
#include <vector>

namespace sluice::expression {

/// What a column must keep for a condition to be true: `column op value`, of one type, value not null.
struct column_bound {
  int column = 0;  ///< of the condition's scope
  std::string op;  ///< = < <= > >=
  std::shared_ptr<arrow::Scalar> value;
};

/// Bounds that every row keeps for which the condition is true or has an error: those that stand at its begin, joined
/// by AND, because what stands behind a part that is false is not evaluated.
std::vector<column_bound> leading_bounds(const bound_ptr& condition);

}  // namespace sluice::expression
