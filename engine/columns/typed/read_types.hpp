#pragma once

#include "engine/columns/typed/column_plan.hpp"
#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <map>
#include <string>

namespace sluice::typed {

/// Reads `types:`: an SQL type, or a map { type, formats, decimal, thousands }. Faults carry /types/... paths.
std::map<std::string, column_plan> read_types(const options& types, diagnostics& faults);

}  // namespace sluice::typed
