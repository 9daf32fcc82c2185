#pragma once

#include "app/arguments.hpp"
#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// `--params FILE`: a YAML (or JSON) map of params and their values.
option_spec params_option(std::string& into);
/// Puts the values of such a file before those of `--set`, which take precedence. No file: nothing. Errors: those of
/// reading it; invalid_value, with the line.
status add_params(std::vector<std::string>& set, const std::string& file);

}  // namespace sluice::app
