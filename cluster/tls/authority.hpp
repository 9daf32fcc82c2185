#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <vector>

namespace sluice::cluster {

/// Makes an authority that signs the certificates of a cluster's nodes: `ca.crt` and `ca.key` in the folder, which is
/// made. One that is there stays (authority_exists). Keys are ECDSA on P-256.
status make_authority(const std::string& folder, int days);

struct certificate_request {
  std::string name;                     ///< of the node: letters, digits, dots, dashes, underscores
  std::vector<std::string> hosts = {};  ///< further host names and addresses at which clients reach it
  int days = 365;
};

/// Signs a certificate for a node and writes `ca.crt`, `tls.crt` and `tls.key` into `<folder>/<name>`; files of the
/// same name are replaced, each at once. Clients on the node's own machine reach it as localhost and 127.0.0.1. Errors:
/// no_authority, invalid_name.
result<std::string> issue_certificate(const std::string& folder, const certificate_request& what);

}  // namespace sluice::cluster
