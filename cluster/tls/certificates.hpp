#pragma once

#include "engine/error/error.hpp"

#include <openssl/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace sluice::cluster {

/// What a node shows to others, and by what it knows them: the files `ca.crt` (who signs the nodes' certificates),
/// `tls.crt` and `tls.key` of a folder, named as Kubernetes and cert-manager name them. Files that change are read
/// again for the next connection; where they can't be used, the earlier ones stay. Thread-safe.
class certificates {
 public:
  using log_function = std::function<void(const std::string&)>;
  using context = std::shared_ptr<boost::asio::ssl::context>;

  /// Errors: certificate_unusable, for a file that is missing, unreadable, open to others (the key), expired, or does
  /// not fit the others.
  static result<std::shared_ptr<certificates>> load(std::string folder, log_function log);

  /// Between nodes: both sides show a certificate that ca.crt has signed. TLS 1.3.
  [[nodiscard]] context for_nodes();
  /// For the HTTP API: only the node shows one. TLS 1.2 or newer.
  [[nodiscard]] context for_http();
  /// The names of the node in its certificate, the first one first. Never empty.
  [[nodiscard]] std::vector<std::string> names();
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  struct loaded;
  certificates(std::string folder, log_function log);
  static result<std::shared_ptr<const loaded>> read(const std::string& folder);
  std::shared_ptr<const loaded> current();
  [[nodiscard]] std::string marks() const;

  const std::string folder_;
  const log_function log_;
  std::mutex lock_;
  std::string seen_;  ///< sizes and times of the files when they were last read
  std::shared_ptr<const loaded> loaded_;
};

/// What the command line trusts when it calls a node: the authorities in a file. Errors: certificate_unusable.
result<certificates::context> trust_of(const std::string& ca_file);
/// Makes the handshake of a client fail unless the certificate is for this address or host name.
void expect_host(SSL* of, const std::string& host);

/// The names in the certificate of the other side; empty without one.
std::vector<std::string> peer_names(const SSL* of);
/// A secret that only the two ends of this connection know (RFC 8446, section 7.5), as hexadecimal digits.
std::string channel_secret(SSL* of);

}  // namespace sluice::cluster
