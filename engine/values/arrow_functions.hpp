#pragma once

#include "engine/error/error.hpp"

namespace sluice {

/// Makes Arrow's compute functions known to this process. To be called before each use of one by name or by the
/// functions that look them up; the first call takes some milliseconds, which short runs without them save.
status ensure_arrow_functions();

}  // namespace sluice
