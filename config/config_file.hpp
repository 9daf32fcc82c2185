#pragma once

#include "config/connections.hpp"
#include "config/load.hpp"

namespace sluice::config {

/// Reads a file of `--config`: its connections are used by the units of a pipeline as if they stood in it.
void read_config_file(const config_text& given, const environment_lookup& environment, connections& into,
                      diagnostics& faults);

}  // namespace sluice::config
