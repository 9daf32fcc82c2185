#pragma once

#include "engine/expression/kernels/kernels.hpp"

#include <arrow/type.h>

#include <cstdint>
#include <type_traits>

namespace sluice::expression {

// Kernels are templates over what they compute: here a value known when binding becomes a template argument.

/// Calls `make` with the operator as a constant: [](auto op) -> kernel { return sum_kernel<op>; }.
template <class Make>
kernel dispatch(arithmetic op, Make&& make) {
  switch (op) {
    case arithmetic::add:
      return make(std::integral_constant<arithmetic, arithmetic::add>{});
    case arithmetic::subtract:
      return make(std::integral_constant<arithmetic, arithmetic::subtract>{});
    case arithmetic::multiply:
      return make(std::integral_constant<arithmetic, arithmetic::multiply>{});
    case arithmetic::divide:
      return make(std::integral_constant<arithmetic, arithmetic::divide>{});
    case arithmetic::modulo:
      return make(std::integral_constant<arithmetic, arithmetic::modulo>{});
  }
  return nullptr;
}

template <class Make>
kernel dispatch(comparison op, Make&& make) {
  switch (op) {
    case comparison::equal:
      return make(std::integral_constant<comparison, comparison::equal>{});
    case comparison::not_equal:
      return make(std::integral_constant<comparison, comparison::not_equal>{});
    case comparison::less:
      return make(std::integral_constant<comparison, comparison::less>{});
    case comparison::less_equal:
      return make(std::integral_constant<comparison, comparison::less_equal>{});
    case comparison::greater:
      return make(std::integral_constant<comparison, comparison::greater>{});
    case comparison::greater_equal:
      return make(std::integral_constant<comparison, comparison::greater_equal>{});
  }
  return nullptr;
}

/// Calls `make` with the C++ type of a column of integers or floating-point numbers; null for any other type:
/// []<class T>(std::type_identity<T>) -> kernel { return sum_kernel<T>; }.
template <class Make>
kernel dispatch_number(const arrow::DataType& type, Make&& make) {
  switch (type.id()) {
    case arrow::Type::INT16:
      return make(std::type_identity<std::int16_t>{});
    case arrow::Type::INT32:
      return make(std::type_identity<std::int32_t>{});
    case arrow::Type::INT64:
      return make(std::type_identity<std::int64_t>{});
    case arrow::Type::UINT64:
      return make(std::type_identity<std::uint64_t>{});
    case arrow::Type::FLOAT:
      return make(std::type_identity<float>{});
    case arrow::Type::DOUBLE:
      return make(std::type_identity<double>{});
    default:
      return nullptr;
  }
}

}  // namespace sluice::expression
