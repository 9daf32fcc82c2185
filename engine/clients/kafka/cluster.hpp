#pragma once

#include "engine/component/options.hpp"
#include "engine/component/spec.hpp"
#include "engine/error/error.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace sluice::kafka {

/// How a cluster is reached: what users write as `brokers`, `sasl` and `tls`.
struct cluster {
  std::string brokers;    ///< "host:port,host:port"
  std::string mechanism;  ///< of SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; empty: no authentication
  std::string user;
  std::string password;
  bool tls = false;
  bool verify = true;       ///< the broker's certificate and host name
  std::string ca;           ///< file of certificates in PEM; empty: those of the system
  std::string certificate;  ///< file of our own, with `key`; empty: none
  std::string key;
  std::string key_password;
  /// How long brokers may be gone: as long as all tries of `retry:` take, a minute unless that says something else.
  std::chrono::milliseconds patience{60'000};
  /// The same when it starts; 0: a broker that is not there then is an error at once.
  std::chrono::milliseconds patience_at_start{0};
};

/// `connection`, with the options of a cluster in it: what source, sink and channel share.
field_spec cluster_field();
/// Reads them from a component's options. Relative files start at `base_folder`. Faults carry paths below `component`.
cluster read_cluster(const options& own, const std::string& component, const std::string& base_folder,
                     diagnostics& faults);

}  // namespace sluice::kafka
