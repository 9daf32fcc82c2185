#pragma once

#include "actors/run/lost_tries.hpp"
#include "app/black_box.hpp"
#include "app/engine_process.hpp"
#include "app/run_command.hpp"
#include "engine/store/store.hpp"

#include <optional>

namespace sluice::app {

/// Finds the run of a dead engine, where it is tried again; says so. Nothing where it is over.
std::optional<actors::lost_try> find_lost_try(session& with, const engine_end& end, const black_box& left);

/// The parent's part after a sudden death that ends the run: the Store, the event and the user hear of it, and those
/// who wait for notifications. Gives the exit code.
int report_death(session& with, const run_command& what, const engine_end& end, const black_box& left);

}  // namespace sluice::app
