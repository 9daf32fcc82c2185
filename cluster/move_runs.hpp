#pragma once

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace sluice::cluster {

/// Makes runs with checkpoints begin again where placement puts them now: each is paused at a checkpoint, and resumed
/// when nothing of it works any more. So no row is lost or loaded twice. Runs that end meanwhile are left alone; one
/// that can't be paused is a line in the log. Gives back at once.
void move_runs(caf::actor_system& system, const caf::actor& control, const std::vector<std::string>& runs,
               std::function<void(const std::string&)> log);

}  // namespace sluice::cluster
