#pragma once

#include "engine/error/error.hpp"

#include <map>
#include <string>

namespace sluice::app {

/// Reads the user's own defaults ($XDG_CONFIG_HOME/sluice/config.yaml, else ~/.config/sluice/config.yaml): a map with
/// any of state, to, ca, spill, progress and log. Flags and the environment come before it. Empty where there is no
/// file.
result<std::map<std::string, std::string>> read_user_config();

}  // namespace sluice::app
