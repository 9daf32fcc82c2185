// Arithmetic, comparison, negation and rounding of decimals with more than 38 digits.
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/expression/kernels/operators.hpp"
#include "engine/expression/kernels/wide_decimals.hpp"
#include "engine/values/types.hpp"

#include <arrow/array/array_binary.h>

#include <algorithm>

namespace sluice::expression {

namespace {

template <arithmetic Op>
wide_integer compute(const wide_integer& left, const wide_integer& right, int left_scale, int right_scale, int scale) {
  if constexpr (Op == arithmetic::multiply) {
    return left * right;
  } else if constexpr (Op == arithmetic::divide) {
    // A quotient has the difference of the scales; what it lacks is put on one of the sides first.
    const int more = scale - left_scale + right_scale;
    return more >= 0 ? sluice::divide_rounding(left * wide_power_of_ten(more), right)
                     : sluice::divide_rounding(left, right * wide_power_of_ten(-more));
  } else {
    const auto a = rescale(left, scale - left_scale);
    const auto b = rescale(right, scale - right_scale);
    return Op == arithmetic::add        ? wide_integer(a + b)
           : Op == arithmetic::subtract ? wide_integer(a - b)
                                        : wide_integer(a % b);
  }
}

template <arithmetic Op>
result<array_ptr> arithmetic_kernel(call& c) {
  const wide_column left(c.args[0]);
  const wide_column right(c.args[1]);
  const int scale = scale_of(*c.type);
  row_failures failures(c);
  const auto fail = [&](std::int64_t row, row_fault fault) {
    fail_arithmetic(failures, c, row, fault,
                    [&] { return left.text(row) + " " + sign_of(Op) + " " + right.text(row); });
  };
  return fill_wide(
      c, failures,
      [&](std::int64_t row, wide_integer& out) {
        const auto divisor = right[row];
        if ((Op == arithmetic::divide || Op == arithmetic::modulo) && divisor == 0) {
          fail(row, row_fault::division);
          return false;
        }
        out = compute<Op>(left[row], divisor, left.scale, right.scale, scale);
        return true;
      },
      [&](std::int64_t row) { fail(row, row_fault::overflow); });
}

// A quotient of more than 38 digits, most of which are places, of two decimals of 38: the values are mostly small
// enough for the machine's own division.
result<array_ptr> division_kernel(call& c) {
  if (c.args[0].array->type_id() != arrow::Type::DECIMAL128 || c.args[1].array->type_id() != arrow::Type::DECIMAL128 ||
      c.type->id() != arrow::Type::DECIMAL256)
    return arithmetic_kernel<arithmetic::divide>(c);
  const column_of<int128> left(c.args[0]);
  const column_of<int128> right(c.args[1]);
  const int more = scale_of(*c.type) - scale_of(*c.args[0].array->type()) + scale_of(*c.args[1].array->type());
  const int precision = precision_of(*c.type);
  const auto validity = all_valid(c.args, c.rows);
  auto values = allocate(c.rows * 32);
  auto* out = values->mutable_data();
  if (validity) std::memset(out, 0, static_cast<std::size_t>(c.rows) * 32);
  row_failures failures(c);
  const auto fail = [&](std::int64_t row, row_fault fault) {
    fail_arithmetic(failures, c, row, fault, [&] {
      return value_text(*c.args[0].array, left.constant ? 0 : row) + " / " +
             value_text(*c.args[1].array, right.constant ? 0 : row);
    });
  };
  for_valid(validity, c.rows, [&](std::int64_t row) {
    const auto divisor = right[row];
    if (divisor == 0) return fail(row, row_fault::division);
    int128 numerator = 0;
    if (!shift_left(left[row], more, numerator)) [[likely]] {
      const int128 quotient = divide_rounding(numerator, divisor);
      const int128 words[2] = {quotient, quotient < 0 ? -1 : 0};
      std::memcpy(out + row * 32, words, sizeof words);
    } else {
      const auto exact =
          sluice::divide_rounding(wide_integer(left[row]) * wide_power_of_ten(more), wide_integer(divisor));
      if (!write_wide(exact, precision, 32, out + row * 32)) fail(row, row_fault::overflow);
    }
  });
  return make_array(c.type, c.rows, std::move(values), failures.apply(validity));
}

template <comparison Op>
result<array_ptr> comparison_kernel(call& c) {
  const wide_column left(c.args[0]);
  const wide_column right(c.args[1]);
  const int scale = std::max(left.scale, right.scale);
  return fill_booleans(c, [&](std::int64_t row) {
    return holds<Op>(rescale(left[row], scale - left.scale), rescale(right[row], scale - right.scale));
  });
}

// -x and abs(x): no value of a decimal type is without its counterpart.
template <bool Absolute>
result<array_ptr> sign_kernel(call& c) {
  const wide_column from(c.args[0]);
  row_failures failures(c);
  return fill_wide(
      c, failures,
      [&](std::int64_t row, wide_integer& out) {
        out = from[row];
        if (!Absolute || out < 0) out = -out;
        return true;
      },
      [&](std::int64_t row) { failures.add_silently(row); });
}

wide_integer round_wide(const wide_integer& value, int drop, rounding how) {
  if (drop <= 0) return value;
  const auto& unit = wide_power_of_ten(drop);
  if (how == rounding::nearest) return sluice::divide_rounding(value, unit);
  wide_integer quotient, rest;
  divide_qr(value, unit, quotient, rest);
  if (how == rounding::down && rest < 0) quotient -= 1;
  if (how == rounding::up && rest > 0) quotient += 1;
  return quotient;
}

// Whether the second argument, where there is one, asks for the places of the result.
bool constant_places(const call& c, int kept) {
  return c.args.size() == 1 || (c.args[1].constant && column_of<std::int32_t>(c.args[1])[0] == kept);
}

// To the scale of the result, or with a second argument to as many places.
template <rounding How>
result<array_ptr> rounding_kernel(call& c) {
  const wide_column from(c.args[0]);
  const int kept = scale_of(*c.type);
  const int precision = precision_of(*c.type);
  const int width = c.type->id() == arrow::Type::DECIMAL256 ? 32 : 16;
  const bool short_way = How == rounding::nearest && constant_places(c, kept) && !from.constant &&
                         from.array.type_id() == arrow::Type::DECIMAL256;
  const auto* bytes = short_way ? static_cast<const arrow::FixedSizeBinaryArray&>(from.array).raw_values() : nullptr;
  row_failures failures(c);
  return fill_wide(
      c, failures,
      [&](std::int64_t row, wide_integer& out) {
        int places = kept;
        if (c.args.size() > 1) places = std::clamp(column_of<std::int32_t>(c.args[1])[row], -most_wide_digits, kept);
        out = rescale(round_wide(from[row], from.scale - places, How), kept - places);
        return true;
      },
      [&](std::int64_t row) {
        if (!failures.counts(row)) return failures.add_silently(row);
        failures.add(row, "numeric_overflow",
                     static_cast<const call_node&>(c.of).name + "(" + from.text(row) + ") is out of the range of " +
                         type_name(*c.type));
      },
      [&](std::int64_t row, std::uint8_t* out) {
        int128 value = 0;
        return bytes != nullptr && narrow_value(bytes, row, value) &&
               write_with_fewer_places(value, from.scale - kept, precision, width, out);
      });
}

}  // namespace

kernel wide_arithmetic_kernel(arithmetic op) {
  if (op == arithmetic::divide) return division_kernel;
  return dispatch(op, [](auto known) -> kernel { return arithmetic_kernel<known>; });
}

kernel wide_comparison_kernel(comparison op) {
  return dispatch(op, [](auto known) -> kernel { return comparison_kernel<known>; });
}

kernel wide_negation_kernel() { return sign_kernel<false>; }
kernel wide_abs_kernel() { return sign_kernel<true>; }

kernel wide_rounding_kernel(rounding how) {
  switch (how) {
    case rounding::nearest:
      return rounding_kernel<rounding::nearest>;
    case rounding::down:
      return rounding_kernel<rounding::down>;
    case rounding::up:
      return rounding_kernel<rounding::up>;
    case rounding::toward_zero:
      return rounding_kernel<rounding::toward_zero>;
  }
  return nullptr;
}

}  // namespace sluice::expression
