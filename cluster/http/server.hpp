#pragma once

#include "cluster/address.hpp"
#include "cluster/http/api.hpp"

#include <memory>
#include <string>

namespace sluice::cluster {

/// Serves the HTTP API on a loopback address with a thread of its own. Cheap to start: `sluice run` embeds one on a
/// free port, so that status, watch and cancel work from a second terminal.
///
/// Limits: 16 KiB of headers, 16 MiB of body, 30 s for a request to arrive, 64 connections, 256 events in memory a
/// stream.
class http_server {
 public:
  /// Listens and serves. Errors: not_supported_yet (off loopback), port_in_use.
  static result<std::unique_ptr<http_server>> start(const address& where, std::string token, api_handlers handlers);
  /// Ends all connections and joins the threads.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Where it listens; the port is the real one.
  [[nodiscard]] address where() const;
  /// Takes no more connections; waits a while, up to a second and a half, until requests at work are answered and
  /// streams of events have sent what the Store has.
  void drain();

 private:
  struct state;
  explicit http_server(std::unique_ptr<state> all);
  std::unique_ptr<state> state_;
};

}  // namespace sluice::cluster
