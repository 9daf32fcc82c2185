#pragma once

#include "engine/component/component.hpp"
#include "engine/operators/joins/join_plan.hpp"
#include "engine/operators/joins/joined_keys.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::joins {

/// Rows and the values of their keys: canonical, in the common type of both sides.
struct key_columns {
  batch rows;
  std::vector<std::shared_ptr<arrow::Array>> keys;
};
/// Evaluates the keys of a batch of an input. Rows whose key fails are settled as `policy` says.
result<key_columns> with_key_values(const join_plan& what, int input, const batch& in, on_error policy, emitter& out);

/// Evaluates and packs the keys of a batch of an input. Rows whose key fails are settled as `policy` says.
result<keyed_rows> with_keys(const join_plan& what, const key_layout& layout, int input, const batch& in,
                             on_error policy, emitter& out);

/// The types of the keys, as key_layout takes them.
std::vector<std::shared_ptr<arrow::DataType>> key_types(const join_plan& what);

/// Of rows of the right: those with a whole key, with only the kept columns, and the others, which match nothing.
struct right_rows {
  keyed_rows whole;
  batch without_key;  ///< `data` null where there are none
};
result<right_rows> split_right(const join_plan& what, keyed_rows in);

}  // namespace sluice::joins
