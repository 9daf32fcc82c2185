#pragma once

#include "engine/expression/loops/loops.hpp"
#include "engine/expression/node.hpp"

#include <arrow/type_fwd.h>

namespace sluice::expression {

// The kernels by family. A finder returns null where there is no kernel for the types: the binder reports it.

/// Left and right have type `type`, the result too: smallint to ubigint, real, double, decimal (whose scales may
/// differ).
kernel find_arithmetic_kernel(arithmetic op, const arrow::DataType& type);
/// -x of a number or an interval.
kernel find_negation_kernel(const arrow::DataType& type);
/// Dates, times and intervals: null where the two can't be combined; else the kernel and the result's type.
struct typed_kernel {
  kernel run = nullptr;
  type_ptr type = nullptr;
};
typed_kernel find_temporal_kernel(arithmetic op, const arrow::DataType& left, const arrow::DataType& right);

/// Both sides have the same type, but for decimals.
kernel find_comparison_kernel(comparison op, const arrow::DataType& type);
/// The same, with IS [NOT] DISTINCT FROM's treatment of null.
kernel find_distinct_kernel(bool negated, const arrow::DataType& type);

/// Casts of values, as `x::type` does them. Null where the language has no such cast.
kernel find_cast_kernel(const arrow::DataType& from, const arrow::DataType& to);

kernel decimal_arithmetic_kernel(arithmetic op);
kernel decimal_negation_kernel();
kernel decimal_comparison_kernel(comparison op);
kernel interval_comparison_kernel(comparison op);
// Where a side or the result has more than 38 digits.
kernel wide_arithmetic_kernel(arithmetic op);
kernel wide_negation_kernel();
kernel wide_abs_kernel();
kernel wide_comparison_kernel(comparison op);
enum class rounding { nearest, down, up, toward_zero };
/// To the scale of the result, or with a second argument to as many places.
kernel wide_rounding_kernel(rounding how);
kernel text_comparison_kernel(comparison op);

result<array_ptr> not_kernel(call& c);
result<array_ptr> is_null_kernel(call& c);
result<array_ptr> is_not_null_kernel(call& c);
/// x IS [NOT] TRUE, x IS [NOT] FALSE.
kernel find_is_boolean_kernel(bool wanted, bool negated);

/// Makes AND or OR: the right side's errors count only where the left side does not decide.
node_ptr make_junction(bool is_and, node_ptr left, node_ptr right);
/// The condition of a filter, which keeps the rows where it is true: a part of its outermost ANDs that is null decides
/// as one that is false does, so that errors to the right of it don't count (as in PostgreSQL's WHERE).
node_ptr make_condition(node_ptr of);
/// Makes CASE: `inputs` are condition, value, condition, value, ..., otherwise; all values of one type.
node_ptr make_branches(std::vector<node_ptr> inputs);
/// Makes COALESCE of values of one type.
node_ptr make_coalesce(std::vector<node_ptr> inputs);
/// Makes x IN (constants) for types that can be looked up, `constants` being an array of x's type.
node_ptr make_lookup(node_ptr value, array_ptr constants);

}  // namespace sluice::expression
