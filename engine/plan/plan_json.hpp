#pragma once

#include "engine/component/options.hpp"
#include "engine/plan/plan.hpp"

namespace sluice {

/// A plan as JSON values, schemas and params as binary Arrow IPC: what plan_to_bytes packs.
options plan_to_json(const plan& from);
/// Reads it back; anything that is missing, of the wrong kind or out of range is an error.
result<plan> plan_from_json(const options& from);

}  // namespace sluice
