#pragma once

#include "cluster/batch_links.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

class certificates;

/// Carries batches between nodes: one TCP connection for each direction between two nodes, encrypted where the node has
/// certificates, apart from the control connection so that control never waits behind data. A thread of its own
/// encodes, sends, receives and decodes. Both ends prove first that they have the token and belong to the same session;
/// all others are closed and logged.
///
/// At most 8 MiB (and one batch) are encoded for a peer at a time; behind that, batches wait as pointers, bounded by
/// the credit of their channels. Thread-safe.
class data_links final : public batch_links {
 public:
  struct callbacks {
    /// A run can't go on: a link of it broke, or a batch of it can't travel. Called on the links' thread.
    std::function<void(const std::string& run, const error& why)> failed;
    /// One line for the node's log.
    std::function<void(const std::string& text)> log;
  };

  /// Listens on a free port of `host`. `name` is this node's, `token` what its peers have too; `secured` encrypts the
  /// connections, null: nothing does.
  static result<std::unique_ptr<data_links>> start(std::string name, std::string token, callbacks tell,
                                                   const std::string& host = "127.0.0.1",
                                                   std::shared_ptr<certificates> secured = nullptr);
  ~data_links() override;
  data_links(const data_links&) = delete;
  data_links& operator=(const data_links&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  void set_session(const std::string& session) override;
  void add_peer(const std::string& name, const address& where) override;
  void remove_peer(const std::string& name) override;
  void send(const std::string& peer, const data_route& route, std::uint32_t attempt, wire::payload body) override;
  void receive(const std::string& peer, const data_route& route, std::uint32_t attempt,
               deliver_function deliver) override;
  void forget(const std::string& run) override;

  /// Bytes encoded and not yet taken by the network, the most of any peer since the start: the bound that tests assert.
  [[nodiscard]] std::int64_t most_queued_bytes() const;
  /// Batches and markers that wait to be encoded, of all peers.
  [[nodiscard]] std::int64_t waiting() const;

 private:
  struct state;
  explicit data_links(std::shared_ptr<state> all);
  std::shared_ptr<state> state_;
};

/// Encoded data queued for one peer.
inline constexpr std::int64_t most_encoded_bytes = 8 * 1024 * 1024;

}  // namespace sluice::cluster
