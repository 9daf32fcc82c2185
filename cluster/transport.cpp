#include "cluster/transport.hpp"

#include <sys/socket.h>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/scribe_impl.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace sluice::cluster {

namespace {

namespace network = caf::io::network;
using log_function = std::function<void(const std::string&)>;

constexpr auto publish_limit = std::chrono::seconds(30);

/// A connection on which no message may be longer than it has a right to be.
class bounded_scribe final : public network::scribe_impl {
 public:
  bounded_scribe(network::default_multiplexer& loop, network::native_socket socket, log_function log)
      : network::scribe_impl(loop, socket), log_(std::move(log)) {}

  /// Asked for the header, then for the payload that it announces, and so on.
  void configure_read(caf::io::receive_policy::config wanted) override {
    const auto most = steps_ < handshake_steps ? most_handshake_bytes : most_message_bytes;
    if (wanted.second > most) {
      log_("refused a control connection from " + addr() + ":" + std::to_string(port()) +
           ": its next message claims to have " + std::to_string(wanted.second) + " bytes, where " +
           std::to_string(most) + " are allowed");
      ::shutdown(stream_.fd(), SHUT_RDWR);
      wanted = caf::io::receive_policy::at_most(1);  // of what has come already: too little, so it is closed
    }
    if (steps_ < handshake_steps) ++steps_;
    network::scribe_impl::configure_read(wanted);
  }

 private:
  static constexpr int handshake_steps = 2;  ///< the first header and its payload

  log_function log_;
  int steps_ = 0;
};

class bounded_doorman final : public network::doorman_impl {
 public:
  bounded_doorman(network::default_multiplexer& loop, network::native_socket socket, log_function log)
      : network::doorman_impl(loop, socket), log_(std::move(log)) {}

  bool new_connection() override {
    auto& loop = acceptor_.backend();
    const auto socket = acceptor_.accepted_socket();
    if (detached()) {  // the broker has let go, and the loop has not heard of it yet
      network::close_socket(socket);
      return false;
    }
    network::nonblocking(socket, true);
    auto connection = caf::make_counted<bounded_scribe>(loop, socket, log_);
    const auto handle = connection->hdl();
    parent()->add_scribe(std::move(connection));
    return doorman::new_connection(&loop, handle);
  }

 private:
  log_function log_;
};

class transport_actor final : public caf::io::middleman_actor_impl {
 public:
  transport_actor(caf::actor_config& config, caf::actor broker, log_function log)
      : caf::io::middleman_actor_impl(config, std::move(broker)), log_(std::move(log)) {}

  [[nodiscard]] const char* name() const override { return "transport"; }

 protected:
  caf::expected<caf::io::scribe_ptr> connect(const std::string& host, std::uint16_t port) override {
    auto socket = network::new_tcp_connection(host, port);
    if (!socket) return std::move(socket.error());
    network::nonblocking(*socket, true);
    return caf::make_counted<bounded_scribe>(loop(), *socket, log_);
  }

  caf::expected<caf::io::doorman_ptr> open(std::uint16_t port, const char* host, bool reuse) override {
    auto socket = network::new_tcp_acceptor_impl(port, host, reuse);
    if (!socket) return std::move(socket.error());
    return caf::make_counted<bounded_doorman>(loop(), *socket, log_);
  }

 private:
  network::default_multiplexer& loop() {
    return static_cast<network::default_multiplexer&>(system().middleman().backend());
  }

  log_function log_;
};

}  // namespace

caf::io::middleman_actor spawn_transport(caf::actor_system& system, std::function<void(const std::string&)> log) {
  auto broker = system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
  return system.spawn<transport_actor, caf::hidden>(std::move(broker), std::move(log));
}

result<std::uint16_t> publish(caf::actor_system& system, const caf::io::middleman_actor& transport,
                              const caf::actor& whom, const std::string& host, std::uint16_t port) {
  caf::scoped_actor self(system);
  std::optional<std::uint16_t> bound;
  self->request(transport, publish_limit, caf::publish_atom::value, port, caf::actor_cast<caf::strong_actor_ptr>(whom),
                std::set<std::string>(), host, true)
      .receive([&](std::uint16_t taken) { bound = taken; }, [](const caf::error&) {});
  if (bound) return *bound;
  return external_error("port_in_use", "cannot listen on " + host + ":" + std::to_string(port) + " (--listen)",
                        "choose another port");
}

}  // namespace sluice::cluster
