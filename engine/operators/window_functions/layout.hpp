#pragma once

#include "engine/expression/windows.hpp"
#include "engine/operators/window_functions/stage.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::window_functions {

/// The columns of the rows that the stages of a unit pass on: those of the input, what is computed of them for the
/// windows (each expression once), then the results of the calls, window by window.
struct layout {
  struct computed_column {
    expression::bound_ptr value;
    std::string column;  ///< named in errors
  };
  /// Calls that share one sort: equal partitions, and orders of which one begins with the other.
  struct window {
    std::vector<std::string> partition_text;
    std::vector<int> partition;
    std::vector<std::string> order_text;
    std::vector<external_sort::key> sort;
    std::vector<placed_call> calls = {};
  };

  explicit layout(std::shared_ptr<arrow::Schema> of) : input(of), stored(std::move(of)) {}

  /// Adds a call; gives its number, which `settle` turns into a column. The error is not_supported_yet.
  result<int> add(const expression::window_call& call, const std::string& column);
  /// Says in which column the result of each numbered call comes out. No `add` follows.
  void settle(const std::vector<std::vector<int>*>& numbers) const;

  std::shared_ptr<arrow::Schema> input;
  std::shared_ptr<arrow::Schema> stored;  ///< input and computed columns
  std::vector<computed_column> computed = {};
  std::vector<int> reads = {};  ///< columns of the input that windows read as they are
  std::vector<window> windows = {};
  std::vector<std::pair<std::size_t, std::size_t>> calls = {};  ///< window and place in it, by number

 private:
  int place(const expression::bound_ptr& value, const std::string& column);
  window& window_for(const expression::window_call& call, const std::string& column);
};

}  // namespace sluice::window_functions
