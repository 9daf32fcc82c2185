#pragma once

#include "engine/plan/edges.hpp"

#include <string>
#include <vector>

namespace sluice {

/// Walks a bound draft from its sinks to its sources and says which columns of each source anything reads, in the
/// schema's order; an empty list means all. Never none: a batch without columns has no rows to count.
std::vector<std::vector<std::string>> needed_columns(const draft& of);

}  // namespace sluice
