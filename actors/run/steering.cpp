#include "actors/run/steering.hpp"

namespace sluice::actors {

result<steering> steering_of(const plan& what, const steer_run& message, bool ending) {
  if (ending) return user_error("run_is_final", "run " + message.run + " is ending");
  const bool drains = message.how == "drain" || message.how == "flush";
  if (drains && !what.endless())
    return user_error("run_has_an_end", "run " + message.run + " ends by itself: its sources have an end",
                      "sluice cancel stops it");
  if (drains) return steering::drain;
  if (message.how == "resume")
    return user_error("run_not_paused", "run " + message.run + " is not paused", "sluice status shows what it does");
  if (!what.checkpoint_interval())
    return user_error("no_checkpoints", "run " + message.run + " takes no checkpoints", "run: { checkpoint: 10s }");
  if (message.how == "checkpoint") return steering::checkpoint;
  return message.how == "pause" ? steering::pause : steering::savepoint;
}

}  // namespace sluice::actors
