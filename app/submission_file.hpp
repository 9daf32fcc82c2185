#pragma once

#include "cluster/http_client.hpp"
#include "config/load.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// Reads a pipeline's file for a node, checks its text, and remembers which parts of the environment it asks for. None
/// where there are faults, which are appended.
std::optional<cluster::submission> read_submission_file(const std::string& file, const std::vector<std::string>& set,
                                                        const std::string& config, diagnostics& faults,
                                                        std::shared_ptr<const config::document>& source);

}  // namespace sluice::app
