#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>

namespace sluice {

/// Gives rows in order, piece by piece.
class row_stream {
 public:
  virtual ~row_stream() = default;
  /// Goes on with what must be done before the first rows can be given, until it is false. Calls take some 10 ms.
  virtual result<bool> work() { return false; }
  /// Once `work` was false: the next rows, at most `rows` and about `bytes`; a batch without `data` at the end. May
  /// block.
  virtual result<batch> next(std::int64_t rows, std::int64_t bytes) = 0;
};

}  // namespace sluice
