#pragma once

#include "engine/expression/expression.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// What stands between the outermost `and`s of a condition over several inputs.
struct conjunct {
  /// A side of an equality, where it reads columns of exactly one input: bound to that input alone.
  struct side {
    int input = -1;
    bound_ptr value;        ///< null where it reads several inputs, or none
    std::string text = {};  ///< in canonical form
  };
  bound_ptr whole;         ///< boolean, over the columns of all inputs, one after the other
  side left, right;        ///< of an equality; both without a value where it is none
  std::size_t offset = 0;  ///< where it points to in the text
};

/// Parses and types the parts of a condition. Faults are as those of bind_condition; empty where there are any.
std::vector<conjunct> bind_conjuncts(std::string_view text, const scope& names, const std::string& path,
                                     diagnostics& faults);

}  // namespace sluice::expression
