#pragma once

#include "cluster/node.hpp"
#include "cluster/tls/certificates.hpp"

#include <memory>
#include <string>

namespace sluice::cluster {

/// What the settings of a node must fulfil before anything is started.

/// The address and the name that other nodes are told. Errors: invalid_address, invalid_name.
status check_told_names(const node_options& settings);
/// The connections for submitted pipelines; `path` empty: there are none. Error: the first fault of the file.
status check_config_file(const std::string& path);
/// Null: nothing is encrypted, which is for addresses of this machine only. Errors: tls_required,
/// certificate_unusable.
result<std::shared_ptr<certificates>> certificates_for(const node_options& settings);
/// Which work the node does. One that joins another is a worker: there is one controller. Errors: invalid_role,
/// not_supported_yet.
result<std::string> role_of(const node_options& settings);
/// The address as others learn of it: port 0 becomes a free one, found by listening there for a moment.
result<address> with_port(const address& wanted, const char* option);

}  // namespace sluice::cluster
