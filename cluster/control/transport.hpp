#pragma once

#include "cluster/address.hpp"
#include "cluster/proof/proof.hpp"
#include "cluster/tls/certificates.hpp"

#include <caf/actor.hpp>
#include <caf/fwd.hpp>
#include <caf/io/scribe.hpp>

#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

/// An open file descriptor that is closed with its last owner.
class owned_descriptor {
 public:
  explicit owned_descriptor(int number) : number_(number) {}
  ~owned_descriptor();
  owned_descriptor(const owned_descriptor&) = delete;
  owned_descriptor& operator=(const owned_descriptor&) = delete;
  /// Gives it away.
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// The control connections of a node. CAF's protocol asks nobody who he is, so it never sees a socket of the network:
/// this listens and dials, lets both sides prove that they have the same token, and only then relays between the
/// connection and a pair of sockets whose other end CAF gets. A thread of its own.
class transport {
 public:
  using log_function = std::function<void(const std::string&)>;

  /// Binds and listens; who connects waits until `open`. Errors: port_in_use and others of listen_on.
  /// `secured` encrypts the connections; null: nothing does.
  static result<std::unique_ptr<transport>> listen(const address& where, log_function log,
                                                   std::shared_ptr<certificates> secured = nullptr);
  /// Waits a while until what CAF has written is sent, then ends all connections. CAF must be through with them.
  ~transport();
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;

  /// Where it listens; the port is the real one.
  [[nodiscard]] const address& where() const;

  /// Takes connections from now on: proven peers reach `published`.
  void open(caf::actor_system& system, const caf::actor& published, proof_settings own);
  /// Dials a node and calls `then`, on the thread of the transport, with CAF's end of the connection once the peer is
  /// proven and has begun to speak; give that to `connect`. `expected` names the node; empty: any. Thread-safe.
  using dialled = std::function<void(result<std::shared_ptr<owned_descriptor>>)>;
  void dial(const address& where, const std::string& expected, dialled then);
  /// Takes and dials no more connections; those that there are go on. No callback is called afterwards.
  void close();

 private:
  struct state;
  explicit transport(std::shared_ptr<state> all);
  std::shared_ptr<state> state_;
};

/// The actor that speaks CAF's protocol. Asked with `connect_atom`, a scribe and a port, it answers with the peer's
/// node, the actor that it publishes and that one's interface. Call it before other threads use the system.
caf::actor protocol_of(caf::actor_system& system);
/// Makes a connection for it.
caf::io::scribe_ptr scribe_of(caf::actor_system& system, owned_descriptor& end);

}  // namespace sluice::cluster
