#pragma once

#include <cstdint>

namespace sluice::expression {

enum class arithmetic { add, subtract, multiply, divide, modulo };
enum class comparison { equal, not_equal, less, less_equal, greater, greater_equal };

/// Which operand of a loop is one value for all rows.
enum class operand_form { both_columns, left_constant, right_constant };

/// Computes `rows` results, nulls included. `out` may be the same as `left` or `right`. True: some row (perhaps a null
/// one) left the range of T or divided by zero, and the caller has to look which; such rows hold any value.
template <class T>
using arithmetic_loop = bool (*)(const T* left, const T* right, T* out, std::int64_t rows);

/// Writes one bit a row, in whole words: `out` has room for (rows + 63) / 64 of them. NaN equals NaN and is greater
/// than any number, as in PostgreSQL.
template <class T>
using comparison_loop = void (*)(const T* left, const T* right, std::uint64_t* out, std::int64_t rows);

/// The generation of x86-64 that this machine belongs to: 2, 3 (AVX2) or 4 (AVX-512).
int machine_generation();

/// The loop for T = int16, int32, int64, uint64, float, double; made for a machine of `generation`.
template <class T>
arithmetic_loop<T> find_arithmetic(arithmetic op, operand_form form, int generation = machine_generation());
template <class T>
comparison_loop<T> find_comparison(comparison op, operand_form form, int generation = machine_generation());

}  // namespace sluice::expression
