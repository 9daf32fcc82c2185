#pragma once

#include <string_view>
#include <vector>

namespace sluice {

/// Explains a code for `sluice help CODE`.
struct error_code {
  std::string_view code;
  std::string_view meaning;  ///< what has happened
  std::string_view remedy;   ///< what to do about it
};

/// Every code that an error, a rejected record or the cause of a run can have, sorted. A test looks for codes in the
/// tree that are missing here.
const std::vector<error_code>& error_codes();

}  // namespace sluice
