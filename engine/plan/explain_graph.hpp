#pragma once

#include "engine/plan/plan.hpp"

#include <string>

namespace sluice {

/// Draws the units of a plan and their edges as SVG: sources on the left, sinks on the right. Needs no fonts or
/// scripts.
std::string explain_graph(const plan& from);

}  // namespace sluice
