#include "engine/expression/columns.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/expression/kernels/operators.hpp"

#include <arrow/util/decimal.h>

#include <optional>

namespace sluice::expression {

namespace {

// Scales of the operands and of the result.
struct scales {
  int left;
  int right;
  int out;
  int precision;  // of the result
};

// a / b with `shift` more digits, where the numerator needs more than 128 bits.
row_fault divide_wide(int128 left, int128 right, int shift, int128& out) {
  const auto wide = [](int128 value) {
    return arrow::Decimal256(
        arrow::Decimal128(static_cast<std::int64_t>(value >> 64), static_cast<std::uint64_t>(value)));
  };
  const auto numerator = arrow::Decimal256(wide(left) * arrow::Decimal256::GetScaleMultiplier(shift));
  const auto divisor = wide(right);
  auto divided = numerator.Divide(divisor);
  if (!divided.ok()) return row_fault::overflow;
  auto [quotient, rest] = *divided;
  if (arrow::Decimal256(arrow::Decimal256::Abs(rest) * 2) >= arrow::Decimal256(arrow::Decimal256::Abs(divisor)))
    quotient += (left < 0) == (right < 0) ? 1 : -1;
  if (!quotient.FitsInPrecision(most_digits)) return row_fault::overflow;
  const auto words = quotient.little_endian_array();
  std::memcpy(&out, words.data(), sizeof out);
  return row_fault::none;
}

row_fault divide(int128 left, int128 right, const scales& s, int128& out) {
  if (right == 0) return row_fault::division;
  const int shift = s.out - s.left + s.right;
  int128 numerator;
  if (!shift_left(left, shift, numerator)) {
    out = divide_rounding(numerator, right);
    return row_fault::none;
  }
  return divide_wide(left, right, shift, out);
}

template <arithmetic Op>
row_fault compute(int128 left, int128 right, const scales& s, int128& out) {
  row_fault fault = row_fault::none;
  if constexpr (Op == arithmetic::multiply) {
    if (__builtin_mul_overflow(left, right, &out)) return row_fault::overflow;
  } else if constexpr (Op == arithmetic::divide) {
    fault = divide(left, right, s, out);
  } else {
    int128 a = left;
    int128 b = right;
    if (s.left != s.out && shift_left(left, s.out - s.left, a)) return row_fault::overflow;
    if (s.right != s.out && shift_left(right, s.out - s.right, b)) return row_fault::overflow;
    if constexpr (Op == arithmetic::add) {
      if (__builtin_add_overflow(a, b, &out)) return row_fault::overflow;
    } else if constexpr (Op == arithmetic::subtract) {
      if (__builtin_sub_overflow(a, b, &out)) return row_fault::overflow;
    } else {
      if (b == 0) return row_fault::division;
      out = a % b;
    }
  }
  return fault == row_fault::none && !fits(out, s.precision) ? row_fault::overflow : fault;
}

// What brings the operands of a sum to the scale of the result; 1 for those that have it.
struct factors {
  std::int64_t left = 1;
  std::int64_t right = 1;
};

// Those of scales that are not too far apart for a product of 64-bit factors.
std::optional<factors> factors_of(const scales& s) {
  constexpr int most = 18;
  const int left = s.out - s.left;
  const int right = s.out - s.right;
  if (left < 0 || right < 0 || left > most || right > most) return {};
  return factors{static_cast<std::int64_t>(powers_of_ten[static_cast<std::size_t>(left)]),
                 static_cast<std::int64_t>(powers_of_ten[static_cast<std::size_t>(right)])};
}

// Sums of one scale, and of two and products where the factors have 64 bits; nulls included. False where some row
// (perhaps a null one) needs the careful way.
template <arithmetic Op, bool Scaled>
bool quick_loop(const column_of<int128>& left, const column_of<int128>& right, int128* out, std::int64_t rows,
                const factors& by, int precision) {
  const auto limit = powers_of_ten[static_cast<std::size_t>(precision)];
  bool bad = false;
  for (std::int64_t row = 0; row < rows; ++row) {
    auto a = left[row];
    auto b = right[row];
    if constexpr (Scaled || Op == arithmetic::multiply)
      bad |= a != static_cast<std::int64_t>(a) || b != static_cast<std::int64_t>(b);
    int128 value = 0;
    if constexpr (Op == arithmetic::multiply) {
      value = int128{static_cast<std::int64_t>(a)} * static_cast<std::int64_t>(b);
    } else {
      if constexpr (Scaled) {
        a = int128{static_cast<std::int64_t>(a)} * by.left;
        b = int128{static_cast<std::int64_t>(b)} * by.right;
      }
      if constexpr (Op == arithmetic::add) {
        bad |= __builtin_add_overflow(a, b, &value);
      } else {
        bad |= __builtin_sub_overflow(a, b, &value);
      }
    }
    bad |= value >= limit || value <= -limit;
    out[row] = value;
  }
  return !bad;
}

template <arithmetic Op>
bool compute_quickly(const column_of<int128>& left, const column_of<int128>& right, int128* out, std::int64_t rows,
                     const scales& s) {
  if (Op == arithmetic::multiply || (s.left == s.out && s.right == s.out))
    return quick_loop<Op, false>(left, right, out, rows, {}, s.precision);
  const auto by = factors_of(s);
  return by && quick_loop<Op, true>(left, right, out, rows, *by, s.precision);
}

template <arithmetic Op>
result<array_ptr> arithmetic_kernel(call& c) {
  const scales s{scale_of(*c.args[0].array->type()), scale_of(*c.args[1].array->type()), scale_of(*c.type),
                 precision_of(*c.type)};
  const auto validity = all_valid(c.args, c.rows);
  const column_of<int128> left(c.args[0]);
  const column_of<int128> right(c.args[1]);
  auto values = allocate(c.rows * 16);
  auto* out = reinterpret_cast<int128*>(values->mutable_data());
  if constexpr (Op == arithmetic::multiply || Op == arithmetic::add || Op == arithmetic::subtract) {
    if (compute_quickly<Op>(left, right, out, c.rows, s))
      return make_array(c.type, c.rows, std::move(values), validity);
  }
  row_failures failures(c);
  const auto run = [&](std::int64_t row) {
    int128 value = 0;
    const auto fault = compute<Op>(left[row], right[row], s, value);
    out[row] = value;
    if (fault == row_fault::none) [[likely]]
      return;
    fail_arithmetic(failures, c, row, fault, [&] {
      return decimal_text(left[row], s.left) + " " + sign_of(Op) + " " + decimal_text(right[row], s.right);
    });
  };
  if (validity) std::memset(out, 0, static_cast<std::size_t>(c.rows) * 16);
  for_valid(validity, c.rows, run);
  return make_array(c.type, c.rows, std::move(values), failures.apply(validity));
}

result<array_ptr> negation_kernel(call& c) {
  const auto validity = all_valid(c.args, c.rows);
  const column_of<int128> from(c.args[0]);
  auto values = allocate(c.rows * 16);
  auto* out = reinterpret_cast<int128*>(values->mutable_data());
  for (std::int64_t row = 0; row < c.rows; ++row) out[row] = -from[row];
  return make_array(c.type, c.rows, std::move(values), validity);
}

// Compares two decimals of different scales: where the one with fewer places can't be brought to the other's, its
// magnitude is beyond any of the other's.
int compare(int128 left, int128 right, int shift_of_left) {
  int128 scaled;
  if (shift_of_left >= 0) {
    if (shift_left(left, shift_of_left, scaled)) return left < 0 ? -1 : 1;
    return (scaled > right) - (scaled < right);
  }
  if (shift_left(right, -shift_of_left, scaled)) return right < 0 ? 1 : -1;
  return (left > scaled) - (left < scaled);
}

template <comparison Op>
result<array_ptr> comparison_kernel(call& c) {
  const auto& left_type = *c.args[0].array->type();
  const auto& right_type = *c.args[1].array->type();
  const int left_scale = scale_of(left_type);
  const int right_scale = scale_of(right_type);
  if (left_type.id() == arrow::Type::DECIMAL256 || right_type.id() == arrow::Type::DECIMAL256)
    return wide_comparison_kernel(Op)(c);
  const column_of<int128> left(c.args[0]);
  const column_of<int128> right(c.args[1]);
  if (left_scale == right_scale)
    return gather_booleans(c, [&](std::int64_t row) { return holds<Op>(left[row], right[row]); });
  return gather_booleans(
      c, [&](std::int64_t row) { return holds<Op>(compare(left[row], right[row], right_scale - left_scale), 0); });
}

}  // namespace

kernel decimal_arithmetic_kernel(arithmetic op) {
  return dispatch(op, [](auto known) -> kernel { return arithmetic_kernel<known>; });
}

kernel decimal_negation_kernel() { return negation_kernel; }

kernel decimal_comparison_kernel(comparison op) {
  return dispatch(op, [](auto known) -> kernel { return comparison_kernel<known>; });
}

}  // namespace sluice::expression
