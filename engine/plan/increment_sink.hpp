#pragma once

#include "engine/component/sink.hpp"
#include "engine/plan/plan.hpp"

#include <memory>

namespace sluice {

/// True where a unit gets rows of a source that reads only what is new.
bool is_below_increment(const plan& of, int unit);

/// Leaves the target alone where no row comes: a run that finds nothing new makes no empty file, creates no table and
/// does not mind a target that exists. The target is opened by the first row.
std::unique_ptr<sink> touch_only_with_rows(std::unique_ptr<sink> inner);

}  // namespace sluice
