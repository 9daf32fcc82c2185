#pragma once

#include "config/load.hpp"
#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <string>
#include <vector>

namespace sluice::cluster {

/// Rules of notifications that concern all pipelines. Those of the node's file of `--config` take the place of what an
/// earlier start had; those that were added by hand (`sluice notify add`, the HTTP API) stay until they are removed.

/// At the start of a node; `config_file` empty: it has none. Errors: faults of the file.
status register_node_rules(store::store& in, const std::string& config_file);

/// Adds the rules of a file by hand, or changes those that have their names; gives their names. All faults of the file
/// are appended. Error: rule_of_config, where the node's own file has a rule of that name.
result<std::vector<std::string>> add_rules(store::store& in, const config::config_text& file,
                                           const config::environment_lookup& environment, const std::string& folder,
                                           diagnostics& faults);
/// Removes one that was added by hand. Errors: unknown_subscription, rule_of_config.
status remove_rule(store::store& in, const std::string& name);

}  // namespace sluice::cluster
