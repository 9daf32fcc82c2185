#pragma once

#include "engine/component/run_context.hpp"
#include "engine/error/error.hpp"

#include <string>

namespace sluice {

/// A source whose readers can leave out rows that a filter directly below would drop says so by this interface beside
/// `source`. What is left out counts in read_step::filtered; the filter below checks all others again.
class takes_filter {
 public:
  virtual ~takes_filter() = default;
  /// Rows for which the condition is false or null may be left out, those for which it has an error may not. It is over
  /// the columns of schema(), which are called by the unit's name. Called at most once, before anything is read.
  virtual status leave_out_unless(const std::string& condition, const std::string& unit,
                                  const run_context& context) = 0;
};

}  // namespace sluice
