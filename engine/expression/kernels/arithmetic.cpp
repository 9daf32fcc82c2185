#include "engine/expression/columns.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/expression/kernels/operators.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <cmath>
#include <limits>

namespace sluice::expression {

namespace {

template <class T>
row_fault look(arithmetic op, T left, T right) {
  if constexpr (std::is_floating_point_v<T>) {
    if (op == arithmetic::divide || op == arithmetic::modulo) {
      if (right == 0 && !std::isnan(left)) return row_fault::division;
    }
    if (!std::isfinite(left) || !std::isfinite(right)) return row_fault::none;
    const T value = op == arithmetic::add        ? left + right
                    : op == arithmetic::subtract ? left - right
                    : op == arithmetic::multiply ? left * right
                    : op == arithmetic::divide   ? left / right
                                                 : T{0};
    if (std::isinf(value)) return row_fault::overflow;
    const bool scales = (op == arithmetic::multiply && right != 0) || op == arithmetic::divide;
    return scales && value == 0 && left != 0 ? row_fault::underflow : row_fault::none;
  } else {
    T value;
    switch (op) {
      case arithmetic::add:
        return __builtin_add_overflow(left, right, &value) ? row_fault::overflow : row_fault::none;
      case arithmetic::subtract:
        return __builtin_sub_overflow(left, right, &value) ? row_fault::overflow : row_fault::none;
      case arithmetic::multiply:
        return __builtin_mul_overflow(left, right, &value) ? row_fault::overflow : row_fault::none;
      case arithmetic::divide:
        if (right == 0) return row_fault::division;
        return std::is_signed_v<T> && left == std::numeric_limits<T>::min() && right == static_cast<T>(-1)
                   ? row_fault::overflow
                   : row_fault::none;
      case arithmetic::modulo:
        return right == 0 ? row_fault::division : row_fault::none;
    }
    return row_fault::none;
  }
}

template <class T>
std::string number_text(T value) {
  char text[longest_value];
  char* end;
  if constexpr (std::is_same_v<T, float>)
    end = write_float(text, value);
  else if constexpr (std::is_same_v<T, double>)
    end = write_double(text, value);
  else if constexpr (std::is_unsigned_v<T>)
    end = write_unsigned(text, value);
  else
    end = write_integer(text, value);
  return {text, end};
}

// Some row overflowed or divided by zero, perhaps only a null one or one that does not count.
template <class T, arithmetic Op>
buffer_ptr report(call& c, const column_of<T>& left, const column_of<T>& right, const buffer_ptr& validity) {
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    const auto fault = look(Op, left[row], right[row]);
    if (fault == row_fault::none) return;
    fail_arithmetic(failures, c, row, fault,
                    [&] { return number_text(left[row]) + " " + sign_of(Op) + " " + number_text(right[row]); });
  });
  return failures.apply(validity);
}

template <class T, arithmetic Op>
result<array_ptr> arithmetic_kernel(call& c) {
  const auto validity = all_valid(c.args, c.rows);
  const column_of<T> left(c.args[0]);
  const column_of<T> right(c.args[1]);
  auto values = allocate(c.rows * static_cast<std::int64_t>(sizeof(T)));
  const bool bad = find_arithmetic<T>(Op, form_of(c))(left.values, right.values,
                                                      reinterpret_cast<T*>(values->mutable_data()), c.rows);
  if (!bad) return make_array(c.type, c.rows, std::move(values), validity);
  return make_array(c.type, c.rows, std::move(values), report<T, Op>(c, left, right, validity));
}

template <class T>
result<array_ptr> negation_kernel(call& c) {
  const auto validity = all_valid(c.args, c.rows);
  const column_of<T> from(c.args[0]);
  auto values = allocate(c.rows * static_cast<std::int64_t>(sizeof(T)));
  auto* out = reinterpret_cast<T*>(values->mutable_data());
  bool bad = false;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    if constexpr (std::is_floating_point_v<T>) {
      out[row] = -from.values[row];
    } else {
      bad |= from.values[row] == std::numeric_limits<T>::min();
      out[row] = static_cast<T>(-static_cast<std::make_unsigned_t<T>>(from.values[row]));
    }
  }
  if (!bad) return make_array(c.type, c.rows, std::move(values), validity);
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (from[row] == std::numeric_limits<T>::min() && !std::is_floating_point_v<T>)
      failures.add(row, "numeric_overflow",
                   "-(" + number_text(from[row]) + ") is out of the range of " + type_name(*c.type));
  });
  return make_array(c.type, c.rows, std::move(values), failures.apply(validity));
}

}  // namespace

kernel find_arithmetic_kernel(arithmetic op, const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::DECIMAL128:
      return decimal_arithmetic_kernel(op);
    case arrow::Type::DECIMAL256:
      return wide_arithmetic_kernel(op);
    default:
      return dispatch_number(type, [op]<class T>(std::type_identity<T>) {
        return dispatch(op, [](auto known) -> kernel { return arithmetic_kernel<T, known>; });
      });
  }
}

kernel find_negation_kernel(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT16:
      return negation_kernel<std::int16_t>;
    case arrow::Type::INT32:
      return negation_kernel<std::int32_t>;
    case arrow::Type::INT64:
      return negation_kernel<std::int64_t>;
    case arrow::Type::FLOAT:
      return negation_kernel<float>;
    case arrow::Type::DOUBLE:
      return negation_kernel<double>;
    case arrow::Type::DECIMAL128:
      return decimal_negation_kernel();
    case arrow::Type::DECIMAL256:
      return wide_negation_kernel();
    default:
      return nullptr;
  }
}

}  // namespace sluice::expression
