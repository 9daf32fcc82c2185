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

/// Reads a row of 256 bits where 128 are enough for its value, as they are for most quotients: the machine's own
/// numbers are many times as fast.
inline bool narrow_value(const std::uint8_t* values, std::int64_t row, int128& out) {
  int128 words[2];
  std::memcpy(words, values + row * 32, sizeof words);
  out = words[0];
  return words[1] == (words[0] < 0 ? -1 : 0);
}

/// The same number with fewer places, rounded half away from zero, in a decimal of `precision` digits and `width`
/// bytes. False, and nothing written, where it takes the long way or does not fit.
inline bool write_with_fewer_places(int128 value, int fewer, int precision, int width, std::uint8_t* out) {
  if (fewer < 0 || precision > most_digits) return false;
  const auto rounded = shift_right(value, fewer);
  if (!fits(rounded, precision)) return false;
  std::memcpy(out, &rounded, 16);
  if (width == 32) std::memset(out + 16, rounded < 0 ? 0xff : 0, 16);
  return true;
}

/// Builds a decimal column of the call's type: `work(row, out) -> bool`, false where it has added the failure itself;
/// `too_large(row)` adds that of a value with too many digits.
/// `shortcut(row, out) -> bool` may write the bytes of a row itself.
template <class Work, class TooLarge, class Shortcut>
result<array_ptr> fill_wide(call& c, row_failures& failures, Work&& work, TooLarge&& too_large, Shortcut&& shortcut) {
  const int width = c.type->id() == arrow::Type::DECIMAL256 ? 32 : 16;
  const int precision = precision_of(*c.type);
  const auto validity = all_valid(c.args, c.rows);
  auto values = allocate(c.rows * width);
  auto* out = values->mutable_data();
  std::memset(out, 0, static_cast<std::size_t>(c.rows * width));
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (shortcut(row, out + row * width)) return;
    wide_integer value;
    if (work(row, value) && !write_wide(value, precision, width, out + row * width)) too_large(row);
  });
  return make_array(c.type, c.rows, std::move(values), failures.apply(validity));
}

template <class Work, class TooLarge>
result<array_ptr> fill_wide(call& c, row_failures& failures, Work&& work, TooLarge&& too_large) {
  return fill_wide(c, failures, std::forward<Work>(work), std::forward<TooLarge>(too_large),
                   [](std::int64_t, std::uint8_t*) { return false; });
}

}  // namespace sluice::expression
