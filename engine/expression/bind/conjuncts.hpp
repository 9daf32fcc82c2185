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

/// A column that has to have one of these literals where a condition is true.
struct pinned_column {
  int column = -1;  ///< of text or bigint; index over all inputs
  std::vector<std::string> values = {};
};
/// Those that `column = literal` and `column in (literals)` between the outermost `and`s of a condition name: rows that
/// have other values there need not be looked at. None where the text can't be bound.
std::vector<pinned_column> pinned_columns(std::string_view text, const scope& names);

}  // namespace sluice::expression
