#pragma once

#include "actors/run/lost_tries.hpp"
#include "app/black_box.hpp"
#include "app/run_command.hpp"

namespace sluice::app {

/// The engine's process: plans the pipeline and runs it to its end. Gives the exit code. `left`: what
/// the parent is to have of it if it dies.
int run_here(session& with, const run_command& what, black_box& left);

/// The same for a run whose engine has died before: its next try.
int run_again(session& with, const run_command& what, const actors::lost_try& lost, black_box& left);

}  // namespace sluice::app
