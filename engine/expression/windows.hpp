#pragma once

#include "engine/expression/expression.hpp"
#include "engine/expression/parse/syntax.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression {

/// A key by which the rows of a partition are ordered.
struct window_order {
  bound_ptr value;
  bool descending = false;
  bool nulls_first = false;
};

/// Which rows of its partition, around each row, a call works on.
struct window_frame {
  frame_unit unit = frame_unit::range;
  frame_bound start = frame_bound::unbounded_preceding;
  frame_bound end = frame_bound::current_row;
  /// rows and groups: how many.
  std::int64_t start_count = 0, end_count = 0;
  /// range: the value of the order key at which the frame of a row begins or ends, in the type of `range_key`.
  bound_ptr start_limit = nullptr, end_limit = nullptr;
  bound_ptr range_key = nullptr;  ///< the order key, in the type of the limits
  frame_exclusion exclusion = frame_exclusion::none;
};

/// A call with OVER: a window function or an aggregate.
struct window_call {
  std::string function;
  std::vector<bound_ptr> arguments;
  bound_ptr filter = nullptr;
  std::vector<bound_ptr> partition;
  std::vector<window_order> order;
  window_frame frame;
  std::shared_ptr<arrow::DataType> type;  ///< of the result
  std::string text;                       ///< for messages
};

/// An entry of `derive` or `select` that has such calls.
struct bound_windows {
  std::vector<window_call> calls;
  /// Over the columns of the scope, then the calls' results.
  bound_ptr final;
};

/// True where an expression could hold a call with OVER; told by its words alone.
bool mentions_window(std::string_view text);
/// Parses and types an expression with window functions. Faults as those of `bind`.
std::optional<bound_windows> bind_windows(std::string_view text, const scope& names, const std::string& path,
                                          diagnostics& faults);

}  // namespace sluice::expression
