#pragma once

#include "engine/expression/columns.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/values/value_text.hpp"
#include "engine/values/wide_decimal.hpp"

namespace sluice::expression {

// Decimals of which one operand or the result has more than 38 digits. They are rare: exactness is all that counts.

/// The values of a decimal operand of either width.
struct wide_column {
  explicit wide_column(const operand& of)
      : array(*of.array), scale(scale_of(*of.array->type())), constant(of.constant) {}
  const arrow::Array& array;
  int scale;
  bool constant;
  [[nodiscard]] wide_integer operator[](std::int64_t row) const { return wide_value(array, constant ? 0 : row); }
  [[nodiscard]] std::string text(std::int64_t row) const { return value_text(array, constant ? 0 : row); }
};

/// Builds a decimal column of the call's type: `work(row, out) -> bool`, false where it has added the failure itself;
/// `too_large(row)` adds that of a value with too many digits.
template <class Work, class TooLarge>
result<array_ptr> fill_wide(call& c, row_failures& failures, Work&& work, TooLarge&& too_large) {
  const int width = c.type->id() == arrow::Type::DECIMAL256 ? 32 : 16;
  const int precision = precision_of(*c.type);
  const auto validity = all_valid(c.args, c.rows);
  auto values = allocate(c.rows * width);
  auto* out = values->mutable_data();
  std::memset(out, 0, static_cast<std::size_t>(c.rows * width));
  for_valid(validity, c.rows, [&](std::int64_t row) {
    wide_integer value;
    if (work(row, value) && !write_wide(value, precision, width, out + row * width)) too_large(row);
  });
  return make_array(c.type, c.rows, std::move(values), failures.apply(validity));
}

}  // namespace sluice::expression
