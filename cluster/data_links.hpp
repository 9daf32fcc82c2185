#pragma once

#include "cluster/address.hpp"
#include "engine/wire/frame.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

/// Names a channel of a run.
struct data_route {
  std::string run;
  std::uint32_t edge = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  friend auto operator<=>(const data_route&, const data_route&) = default;
};

/// Carries batches between nodes: plain TCP on loopback, one connection for each direction between two nodes, apart
/// from the control connection so that control never waits behind data. A thread of its own encodes, sends, receives
/// and decodes. Both ends prove first that they have the token and belong to the same session; all others are closed
/// and logged.
///
/// At most 8 MiB (and one batch) are encoded for a peer at a time; behind that, batches wait as pointers, bounded by
/// the credit of their channels. Thread-safe.
class data_links {
 public:
  struct callbacks {
    /// A run can't go on: a link of it broke, or a batch of it can't travel. Called on the links' thread.
    std::function<void(const std::string& run, const error& why)> failed;
    /// One line for the node's log.
    std::function<void(const std::string& text)> log;
  };

  /// Listens on a free port of 127.0.0.1. `name` is this node's, `token` what its peers have too.
  static result<std::unique_ptr<data_links>> start(std::string name, std::string token, callbacks tell);
  ~data_links();
  data_links(const data_links&) = delete;
  data_links& operator=(const data_links&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// The session of the cluster, the same at the peers. Nobody gets in before it is set.
  void set_session(const std::string& session);
  /// Says where a peer listens; the connection is made with the first batch.
  void add_peer(const std::string& name, const address& where);
  /// Drops the connections with a peer that has gone; runs that used them fail.
  void remove_peer(const std::string& name);

  /// Sends a payload on a channel, after all that were sent on it before.
  void send(const std::string& peer, const data_route& route, std::uint32_t attempt, wire::payload body);
  /// Hands what arrives on a channel to `deliver`, on the links' thread. Frames of another attempt are dropped.
  using deliver_function = std::function<void(wire::payload)>;
  void receive(const std::string& peer, const data_route& route, std::uint32_t attempt, deliver_function deliver);
  /// Drops everything of a run: what is queued, and who receives it.
  void forget(const std::string& run);

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
