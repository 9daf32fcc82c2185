#pragma once

#include "actors/run/run_setup.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace sluice::actors {

/// What has become of a run that the Store was given.
struct created_run {
  std::optional<error> refused = {};  ///< it has no such run
  std::optional<error> unclear = {};  ///< it can't say whether it has
  std::vector<store::event> first = {};
  /// Of a run that was taken over: the setup of its next try, or, where it has ended instead, how.
  std::shared_ptr<const run_setup> next = {};
  std::shared_ptr<const run_outcome> ended = {};
};

/// Gives the Store a new run, or takes over one whose process has died. Blocks.
created_run create_run(store::store& in, const run_setup& setup, const store::run_record& record);

/// The write has failed; whether it took effect all the same is read back. Blocks.
created_run look_for_run(store::store& in, const run_setup& setup, const error& problem);

/// Whether the Store says of all these runs that they have ended. Blocks.
bool all_ended(store::store& in, const std::vector<std::string>& runs);

}  // namespace sluice::actors
