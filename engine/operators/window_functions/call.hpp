#pragma once

#include "engine/error/row_errors.hpp"
#include "engine/expression/windows.hpp"
#include "engine/operators/window_functions/frames.hpp"
#include "engine/operators/window_functions/segment.hpp"

#include <arrow/type_fwd.h>

#include <memory>

namespace sluice::window_functions {

/// Computes one call with OVER over segments, one after the other.
class call {
 public:
  virtual ~call() = default;
  /// The results of all rows. Those that can't be given are null, and an error of their row.
  virtual result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors& errors) = 0;
  /// True where a partition may come in pieces: the result of a row needs nothing of the peers behind it.
  [[nodiscard]] virtual bool runs() const { return false; }
};

/// Makes it. What does not exist over frames is refused with not_supported_yet.
result<std::unique_ptr<call>> make_call(const expression::window_call& of);

// The families; each gives null where it does not know the function.
std::unique_ptr<call> make_rank(const expression::window_call& of);
std::unique_ptr<call> make_place(const expression::window_call& of);
std::unique_ptr<call> make_frame_sum(const expression::window_call& of);
std::unique_ptr<call> make_frame_extreme(const expression::window_call& of);

/// True where the frame of every row begins with its partition and ends with the row or its peers.
bool is_running(const expression::window_frame& of);

}  // namespace sluice::window_functions
