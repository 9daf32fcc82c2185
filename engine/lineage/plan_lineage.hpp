#pragma once

#include "engine/lineage/column_flow.hpp"
#include "engine/plan/plan.hpp"

#include <map>

namespace sluice::lineage {

/// What each load unit of a plan writes, and from which columns of which sources: by the unit's index. Read off the
/// names in its operations, so it may say a little more than is true (a keyword that is also a column), but misses
/// nothing of what operations by name do; a unit whose columns can't be told (`sql`) depends on all it reads.
std::map<int, traced_rows> lineage_of(const plan& of);

}  // namespace sluice::lineage
