#pragma once

#include "actors/run/run_setup.hpp"
#include "engine/component/transform.hpp"
#include "engine/flow/channels.hpp"
#include "engine/flow/snapshot.hpp"
#include "engine/flow/state_file.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::actors {

/// The transform and what its calls need; shared with a call under way, which may outlive the actor.
struct open_transform {
  std::shared_ptr<const run_setup> setup;
  flow::instance_id who;
  std::unique_ptr<transform> unit = {};
};

/// What a transform holds: in memory, or in a file already that is not durable yet, where it is handed out part by
/// part.
struct handed_out {
  std::vector<state_part> parts = {};
  std::shared_ptr<flow::state_writer> file = {};
};

/// Asks it for all of it; what it hands out part by part is written to the checkpoint's file `name` at once, before
/// the transform works on. Blocks.
result<handed_out> hand_out(const open_transform& from, const std::string& name);
/// Writes what was handed out, and makes it durable. Blocks.
result<flow::saved_state> write(const std::string& folder, const std::string& name, const handed_out& what);
/// Gives a transform back what it handed out in the run that this one continues after. Blocks.
status take_back(const open_transform& to);

}  // namespace sluice::actors
