#pragma once

#include "actors/messages.hpp"
#include "engine/error/error.hpp"
#include "engine/plan/plan.hpp"

namespace sluice::actors {

/// What can be asked of a run while it runs, beside its end.
/// `checkpoint` is what a source asks for whose server waits for one.
enum class steering { checkpoint, savepoint, drain, pause };

/// What a message asks for; the error says why that can't be done with this run. `ending`: it is about to end.
result<steering> steering_of(const plan& what, const steer_run& message, bool ending);

}  // namespace sluice::actors
