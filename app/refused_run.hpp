#pragma once

#include "app/run_command.hpp"
#include "engine/store/deliveries.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// What is known of a run that can't begin.
struct refused_run {
  diagnostics faults;
  std::shared_ptr<const config::document> source = {};         ///< of its file; may be null
  std::optional<std::vector<store::subscription>> rules = {};  ///< of its `notify:`, where they can be read
  bool sends = true;  ///< false: this process has something else that sends notifications
};

/// Says that there is no run, as `refuse_run` does; keeps the event that tells of it, and waits for the notifications
/// that rules make of it: a command in a crontab has no other way to be heard. Gives `code` back.
int refuse_and_tell(session& with, const run_command& what, const refused_run& of, int code);

}  // namespace sluice::app
