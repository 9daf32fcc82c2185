#pragma once

#include "engine/component/component.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::window_functions {

/// An entry of `derive` or `select`, with or without calls with OVER.
struct entry {
  std::string name;
  std::string text;
  std::string path;  ///< of faults
};

/// What the entries make: of `derive` columns that are added or replaced, so that later entries see them; of `select`
/// all columns there are.
enum class shape { derived, selected };

/// Makes the transform for entries of which at least one has such a call. Distinct windows are worked off one after the
/// other, each by a sort; rows come out in the order of the last one.
std::unique_ptr<transform> make(const transform_request& request, const std::vector<entry>& entries, shape how,
                                diagnostics& faults);

}  // namespace sluice::window_functions
