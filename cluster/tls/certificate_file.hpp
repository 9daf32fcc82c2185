#pragma once

#include "engine/error/error.hpp"

#include <openssl/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cluster {

/// What a certificate says of itself.
struct certificate_facts {
  std::vector<std::string> names;  ///< DNS names of its subjectAltName but localhost, else its common name
  std::vector<std::string> hosts;  ///< addresses of its subjectAltName
  std::int64_t expires = 0;        ///< seconds since 1970 UTC

  [[nodiscard]] std::int64_t seconds_left() const;
  [[nodiscard]] std::int64_t days_left() const { return seconds_left() / 86400; }
  /// "2027-11-30 06:00:00 UTC"
  [[nodiscard]] std::string expires_text() const;
};

/// The first certificate of a PEM file. Errors: certificate_unusable.
result<certificate_facts> read_certificate(const std::string& path);
/// Checks that an authority has signed a certificate, and that both are valid now. Errors: certificate_unusable.
status check_issuer(const std::string& certificate, const std::string& authority);

/// The names of a node in a certificate.
std::vector<std::string> names_of(const X509* of);

}  // namespace sluice::cluster
