#pragma once

#include "engine/expression/columns.hpp"
#include "engine/expression/kernels/kernels.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

namespace sluice::expression {

// The parts of find_cast_kernel: each looks for the casts of one family.
kernel find_number_cast(const arrow::DataType& from, const arrow::DataType& to);
kernel find_wide_cast(const arrow::DataType& from, const arrow::DataType& to);  ///< of decimals beyond 38 digits
kernel find_text_cast(const arrow::DataType& to);                               ///< from text
kernel find_cast_to_text(const arrow::DataType& from);
kernel find_list_cast(const arrow::DataType& from, const arrow::DataType& to);
kernel find_marked_cast(const arrow::DataType& from, const arrow::DataType& to);  ///< to or from json, uuid, varchar(n)
kernel find_temporal_cast(const arrow::DataType& from, const arrow::DataType& to);

/// Says that a value does not fit the type of the result.
inline void fail_range(row_failures& failures, call& c, std::int64_t row) {
  if (!failures.counts(row)) return failures.add_silently(row);
  std::string message = "value ";
  append_value(message, *c.args[0].array, c.args[0].constant ? 0 : row);
  failures.add(row, "out_of_range", message + " is out of the range of " + type_name(*c.type));
}

/// Converts every valid row by `convert(from, to) -> bool`, false where the value does not fit.
template <class From, class To, class Convert>
result<array_ptr> convert_rows(call& c, Convert&& convert) {
  const column_of<From> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<To>(c, failures, [&](std::int64_t row, To& to) {
    if (!convert(from[row], to)) [[unlikely]]
      fail_range(failures, c, row);
  });
}

}  // namespace sluice::expression
