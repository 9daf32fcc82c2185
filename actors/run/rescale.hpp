#pragma once

#include "actors/messages.hpp"
#include "actors/run/run_setup.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// anyone -> control (local): run a transform of a live run as so many instances from its next checkpoint on; answered
/// by steer_answer, whose epoch is that of the checkpoint.
struct scale_run {
  std::string run;
  std::string unit;
  std::int64_t instances = 1;
};

/// What a run is to be from its next checkpoint on.
struct scaling {
  std::string unit;
  int before = 1;
  std::shared_ptr<const plan> what = nullptr;
};

/// The run's plan with another number of instances of a unit. Errors: run_is_final, no_checkpoints, unknown_unit,
/// not_scalable.
result<scaling> scale(const run_setup& of, const scale_run& how);

/// What comes of it when the run is paused.
struct scaled_run {
  std::shared_ptr<const run_setup> next;
  std::vector<store::event> told = {};
};
/// next_try of a paused run, with what its unit holds divided among its new instances, and the plan written to the
/// Store. Where that can't be done the run goes on as it was, and the event run.scale_failed says why. Blocks.
result<scaled_run> next_scaled(store::store& in, const run_setup& before, const run_outcome& how, const scaling& to);

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::scale_run)
