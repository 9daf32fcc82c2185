#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/tls/certificates.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::cluster {

/// A connection, encrypted or not: control, data and HTTP all use this type. Satisfies Asio's and Beast's requirements
/// of a stream. Movable, but not while something is under way. A time limit closes the connection, and what is under
/// way ends with an error.
class network_stream {
 public:
  using socket_type = boost::asio::ip::tcp::socket;
  using executor_type = boost::beast::tcp_stream::executor_type;
  enum class side : std::uint8_t { client, server };

  /// Encrypted where there is a context; begin with `handshake` then.
  explicit network_stream(socket_type socket, certificates::context with = {})
      : parts_(std::make_shared<parts>(std::move(socket), std::move(with))) {}
  explicit network_stream(boost::asio::io_context& network) : network_stream(socket_type(network)) {}

  executor_type get_executor() { return parts_->plain.get_executor(); }
  [[nodiscard]] socket_type& socket() { return parts_->plain.socket(); }
  [[nodiscard]] const socket_type& socket() const { return parts_->plain.socket(); }
  /// The connection below the encryption, to connect it.
  [[nodiscard]] boost::beast::tcp_stream& connection() { return parts_->plain; }
  [[nodiscard]] bool encrypted() const { return parts_->tls.has_value(); }
  /// OpenSSL's connection, of an encrypted one.
  [[nodiscard]] SSL* tls() { return parts_->tls->native_handle(); }

  void expires_after(std::chrono::steady_clock::duration limit) { parts_->plain.expires_after(limit); }
  void expires_never() { parts_->plain.expires_never(); }

  /// Shakes hands; does nothing but call `then` where nothing is encrypted.
  void handshake(side as, std::function<void(boost::system::error_code)> then);
  /// Before the handshake of a client: the certificate has to be for this host.
  void expect(const std::string& host) {
    if (encrypted()) expect_host(parts_->tls->native_handle(), host);
  }
  /// After the handshake, of an encrypted connection.
  [[nodiscard]] std::vector<std::string> names_of_peer() { return peer_names(parts_->tls->native_handle()); }
  [[nodiscard]] std::string secret_of_channel() { return channel_secret(parts_->tls->native_handle()); }

  /// Why a handshake, or the first message after it, failed. Errors: certificate_refused (one side did not accept the
  /// other's), foreign_client.
  [[nodiscard]] error fault(boost::system::error_code problem);

  void close() {
    boost::system::error_code ignored;
    socket().close(ignored);
  }
  /// Says that no more comes, as the protocol wants it, and closes; within two seconds.
  void end();
  /// Closes so that what was sent last still arrives, though the other side may be sending.
  void close_gently();

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& into, Handler&& handler) {
    if (parts_->tls) {
      parts_->tls->async_read_some(into, std::forward<Handler>(handler));
    } else {
      parts_->plain.async_read_some(into, std::forward<Handler>(handler));
    }
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& from, Handler&& handler) {
    if (parts_->tls && boost::asio::buffer_size(from) == 0) {
      // For Asio's TLS stream nothing to write is done at once, and it reads no bytes to say so: a second read beside
      // one that is under way, which Beast's stream does not allow (boostorg/beast#2065, mended after 1.74).
      boost::asio::post(get_executor(), boost::beast::bind_front_handler(std::forward<Handler>(handler),
                                                                         boost::system::error_code(), std::size_t{0}));
    } else if (parts_->tls) {
      parts_->tls->async_write_some(from, std::forward<Handler>(handler));
    } else {
      parts_->plain.async_write_some(from, std::forward<Handler>(handler));
    }
  }

 private:
  struct parts {
    parts(socket_type socket, certificates::context with) : plain(std::move(socket)), context(std::move(with)) {
      if (context) tls.emplace(plain, *context);
    }
    boost::beast::tcp_stream plain;
    certificates::context context;  ///< of this connection, whatever later ones use
    std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls;
    std::optional<boost::asio::steady_timer> drains;  ///< while what comes is thrown away
    std::array<char, 4096> unread{};
    std::size_t drained = 0;
  };

  static void drain(const std::shared_ptr<parts>& of);

  std::shared_ptr<parts> parts_;
};

}  // namespace sluice::cluster
