#pragma once

#include "engine/plan/plan.hpp"

namespace sluice {

/// What will run, as `sluice explain --json` and the HTTP API show it: units with their columns, and edges.
options explain_json(const plan& of);

}  // namespace sluice
