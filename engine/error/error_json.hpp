#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

namespace sluice {

/// The error as JSON for programs: code, message, and where known hint, where, file, line, column.
options to_json(const error& problem);

}  // namespace sluice
