#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/proof/proof.hpp"
#include "cluster/tls/network_stream.hpp"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

/// How long a peer may take to prove itself, from the connection on.
inline constexpr auto proof_limit = std::chrono::seconds(5);
/// Unproven connections of a port.
inline constexpr std::size_t most_unproven = 256;

/// Runs a proof over a connection: each message is a length (4 bytes, big endian) and that many bytes, at most
/// max_proof_bytes. On an encrypted connection TLS comes first, and the name that is proven has to be one of those in
/// the certificate. It ends within proof_limit.
class handshake : public std::enable_shared_from_this<handshake> {
 public:
  /// Gets the connection and the peer's name, or why there is none. Called once, on the connection's thread.
  using outcome = std::function<void(result<std::string> peer, network_stream connection)>;

  handshake(network_stream connection, proof how, outcome then);

  void start();
  /// Ends it: there are too many. Does nothing where it has ended.
  void evict();
  /// host:port of the other end, for the log.
  [[nodiscard]] const std::string& from() const { return from_; }

 private:
  void prove();
  void read_length();
  void read_message(std::size_t size);
  void on_message();
  void send(const std::string& message, std::function<void()> then);
  /// The other side has ended, before it had proven anything.
  void broke_off(boost::system::error_code why);
  [[nodiscard]] result<std::string> proven_name();
  void end(result<std::string> how);

  network_stream connection_;
  boost::asio::steady_timer timer_;
  proof how_;
  outcome then_;
  std::string from_;
  bool in_proof_ = false;
  std::array<unsigned char, 4> length_{};
  std::string in_;
  std::string out_;
};

/// "127.0.0.1:7070", or an empty text where it has gone.
std::string peer_address(const boost::asio::ip::tcp::socket& connection);

}  // namespace sluice::cluster
