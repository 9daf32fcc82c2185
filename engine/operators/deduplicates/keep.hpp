#pragma once

#include "engine/operators/binding.hpp"
#include "engine/operators/sorting/sort_keys.hpp"

#include <memory>
#include <vector>

namespace sluice {

/// Makes the transform that keeps the first row of each key as soon as it
/// comes. `by`: the key's columns.
std::unique_ptr<transform> keep_first_rows(const transform_request& request, std::vector<int> by);

/// Makes the one that keeps the row of each key that comes first by `order`; of
/// equal ones the earlier.
std::unique_ptr<transform> keep_best_rows(const transform_request& request, std::vector<int> by,
                                          std::vector<sort_key> order);

}  // namespace sluice
