#pragma once

#include "engine/expression/loops/loops.hpp"
#include "engine/expression/node.hpp"

#include <arrow/type_fwd.h>

namespace sluice::expression {

// The rules of types, without any values. All of them are PostgreSQL's where nothing else is said.

bool is_integer_type(const arrow::DataType& type);
bool is_decimal_type(const arrow::DataType& type);
bool is_floating_type(const arrow::DataType& type);
bool is_number_type(const arrow::DataType& type);
bool is_text_type(const arrow::DataType& type);
bool is_timestamptz(const arrow::DataType& type);

/// The decimal that holds every value of an integer type: decimal(19,0) for bigint.
type_ptr decimal_for(const arrow::DataType& integer);
/// A decimal of at most 38 digits (76 where `wide`): more are cut off at the front, so that values which don't fit
/// become row errors instead of losing places.
type_ptr make_decimal(int precision, int scale, bool wide = false);

/// The type in which two numbers are added or compared: smallint < integer < bigint < decimal < double; real stays real
/// only with real; bigint with ubigint is decimal. Decimals of different scales give the one that holds both.
type_ptr common_number(const type_ptr& left, const type_ptr& right);
/// How many places PostgreSQL would give to the smallest quotient of a number with `scale` places by one with
/// `whole_digits` digits before its point (its select_div_scale): at least 16 significant digits, in its digits of four
/// decimal ones.
int quotient_places(int scale, int whole_digits);
/// The result of an operation on two decimals: + - keep all places, * adds the places up, / has as many as PostgreSQL
/// would give to any values of these types where 76 digits are enough for them, rounded half away from zero. It has up
/// to 76 digits where a side has more than 38, where it has more than 38 places, and of / where it needs them; null
/// where it would have more than 76 places.
type_ptr decimal_result(arithmetic op, const arrow::DataType& left, const arrow::DataType& right);
/// The type to which values that stand for one another are brought (comparison, CASE, COALESCE, IN): null where there
/// is none. Date < timestamp < timestamptz.
type_ptr common_type(const type_ptr& left, const type_ptr& right);
/// True where a value of `from` may become one of `to` without being asked (for arguments of functions).
bool is_implicit(const arrow::DataType& from, const arrow::DataType& to);

}  // namespace sluice::expression
