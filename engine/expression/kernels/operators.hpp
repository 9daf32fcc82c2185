#pragma once

#include "engine/expression/columns.hpp"
#include "engine/expression/loops/loops.hpp"
#include "engine/values/types.hpp"

#include <string>

namespace sluice::expression {

// What the kernels of the operators have in common, whatever the type of their operands.

/// The operator as a message shows it.
constexpr const char* sign_of(arithmetic op) {
  constexpr const char* signs[] = {"+", "-", "*", "/", "%"};
  return signs[static_cast<int>(op)];
}

/// Why a row of an arithmetic operator has no result.
enum class row_fault { none, overflow, underflow, division };

/// Adds the failure of a row; `shown()` gives its operation for the message, as in "1 / 0".
template <class Shown>
void fail_arithmetic(row_failures& failures, const call& c, std::int64_t row, row_fault fault, Shown&& shown) {
  if (!failures.counts(row)) return failures.add_silently(row);
  if (fault == row_fault::division)
    failures.add(row, "division_by_zero", "division by zero: " + shown());
  else if (fault == row_fault::underflow)
    failures.add(row, "out_of_range", shown() + " is closer to zero than a " + type_name(*c.type) + " can be");
  else
    failures.add(row, "numeric_overflow", shown() + " is out of the range of " + type_name(*c.type));
}

/// Which operand of a binary operator stands for all rows, as the loops want to know it.
inline operand_form form_of(const call& c) {
  if (c.rows == 1 || c.args[0].constant == c.args[1].constant) return operand_form::both_columns;
  return c.args[0].constant ? operand_form::left_constant : operand_form::right_constant;
}

/// Whether a comparison holds between two values.
template <comparison Op, class T>
bool holds(const T& left, const T& right) {
  if constexpr (Op == comparison::equal)
    return left == right;
  else if constexpr (Op == comparison::not_equal)
    return left != right;
  else if constexpr (Op == comparison::less)
    return left < right;
  else if constexpr (Op == comparison::less_equal)
    return left <= right;
  else if constexpr (Op == comparison::greater)
    return left > right;
  else
    return left >= right;
}

}  // namespace sluice::expression
