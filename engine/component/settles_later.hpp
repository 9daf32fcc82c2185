#pragma once

#include "engine/error/error.hpp"

namespace sluice {

/// A sink whose `commit` may leave rows on disk, because its system is down, says so by this interface beside `sink`.
class settles_later {
 public:
  virtual ~settles_later() = default;
  /// Makes visible what commits have left, all of it: called behind the last commit of a run. May block. A failure may
  /// be repeated, unless the error says that the target refuses the rows for good.
  virtual status settle() = 0;
};

}  // namespace sluice
