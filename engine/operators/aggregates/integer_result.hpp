#pragma once

#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

namespace sluice::aggregates {

/// Builds the results of sums and averages of whole numbers and decimals in the type that the expression has: bigint,
/// integer, double or decimal.
class integer_result {
 public:
  virtual ~integer_result() = default;
  /// `scale`: decimal places of the sums. The error is not_supported_yet where no such result is known.
  static result<std::unique_ptr<integer_result>> make(const std::shared_ptr<arrow::DataType>& to, std::int32_t scale);
  /// Appends sum / divisor, rounded half away from zero to the type's scale (to the nearest double where it is one).
  /// False where it does not fit the type: nothing has been appended.
  virtual result<bool> append(int128 sum, std::int64_t divisor) = 0;
  virtual status append_null() = 0;
  virtual result<std::shared_ptr<arrow::Array>> finish() = 0;
};

/// The error of a group whose sum or average does not fit its type.
row_error sum_overflow(std::int64_t row, const arrow::DataType& type);

}  // namespace sluice::aggregates
