#pragma once

#include "cluster/address.hpp"
#include "cluster/http/api.hpp"
#include "cluster/tls/certificates.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace sluice::cluster {

/// Serves the HTTP API, on a loopback address or encrypted, with a thread of its own. Cheap to start: `sluice run`
/// embeds one on a free port, so that status, watch and cancel work from a second terminal.
///
/// Limits: until a request has shown the token it may have 16 KiB of headers, 100 of them, and ten seconds, and no body
/// is read; 1,024 connections may be in that state (or a quarter of the descriptors), then a new one takes the place of
/// the oldest. With the token: 16 MiB of body within 30 s, 64 MiB of bodies and 64 answers at once (further requests
/// wait for their turn), 1,024 streams with 256 events in memory each. Health checks wait for none of that, and two
/// submissions are planned at once beside all others.
class http_server {
 public:
  /// Listens and serves; encrypted where there are certificates. Errors: tls_required (off loopback without),
  /// port_in_use.
  static result<std::unique_ptr<http_server>> start(const address& where, std::string token, api_handlers handlers,
                                                    std::shared_ptr<certificates> secured = nullptr);
  /// Ends all connections and joins the threads.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Where it listens; the port is the real one.
  [[nodiscard]] address where() const;
  /// Counts submissions that are being planned; they may outlive the server.
  [[nodiscard]] std::shared_ptr<const std::atomic<int>> planning() const;
  /// Takes no more connections; waits a while, up to a second and a half, until requests at work are answered and
  /// streams of events have sent what the Store has.
  void drain();

 private:
  struct state;
  explicit http_server(std::unique_ptr<state> all);
  std::unique_ptr<state> state_;
};

}  // namespace sluice::cluster
