#pragma once

#include "engine/component/connection_field.hpp"
#include "engine/error/error.hpp"

#include <string>

namespace sluice::rabbitmq {

/// How a broker is reached: what users write as `url` and `tls`.
struct server {
  std::string host;
  int port = 0;
  std::string user;
  std::string password;
  std::string vhost;
  bool tls = false;
  bool verify = true;       ///< the broker's certificate and host name
  std::string ca;           ///< file of certificates in PEM; empty: those of the system
  std::string certificate;  ///< file of our own, with `key`; empty: none
  std::string key;

  /// "host:5672", with "/vhost" where that is not the usual one: without user and password.
  [[nodiscard]] std::string shown() const;
};

/// `connection`, with `url` and `tls` in it: what source, sink and channel share.
field_spec server_field();
/// Reads a URL (https://www.rabbitmq.com/docs/uri-spec): amqp://user:password@host:5672/vhost, or amqps. Values may be
/// percent-encoded. The error has no secrets.
result<server> parse_url(const std::string& url);
/// Reads `url` and `tls` of a component. Relative files start at `base_folder`. Faults carry paths below /rabbitmq.
server read_server(const options& own, const std::string& base_folder, diagnostics& faults);

}  // namespace sluice::rabbitmq
