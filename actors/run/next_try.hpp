#pragma once

#include "actors/run/run_setup.hpp"
#include "engine/component/retry.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace sluice::actors {

/// Of a run without `run.retry` that has lost a node, or its controller: that says nothing about the run, so it goes on
/// with what is left. It counts how often that happens between two checkpoints.
inline constexpr retry_rule after_loss{
    .attempts = 8, .backoff = std::chrono::milliseconds(100), .max_backoff = std::chrono::seconds(5)};

/// How long to wait before a run is tried again; nothing where it is not tried again after this failure. `completed`:
/// the epoch of its last checkpoint.
std::optional<std::chrono::microseconds> wait_before_next(const run_setup& of, const error& why,
                                                          std::uint64_t completed);

/// How long a run waits that was made ready for its next try.
std::chrono::microseconds wait_of(const run_setup& next);

/// Makes a run ready for its next try, when nothing works on it any more: removes what its sinks have made behind its
/// last checkpoint, cuts its rejects, and gives the setup that goes on there, or at its beginning where there is none.
/// `how` the try before has ended: restarting or paused. Blocks. Errors: checkpoint_damaged; not_replayable, where a
/// source can't be read from its beginning again; those of the Store.
result<std::shared_ptr<const run_setup>> next_try(store::store& in, const run_setup& before, const run_outcome& how);

/// Takes over a run whose process has died (`died_of`): repeats the commits that are due and says in
/// the Store that it is tried again.
struct taken_over {
  store::run_state state = store::run_state::failed;  ///< restarting; else the run has ended, or its commits are due
  std::int64_t term = 0;
  std::optional<error> problem = {};
};
result<taken_over> take_over(store::store& in, const run_setup& how);

}  // namespace sluice::actors
