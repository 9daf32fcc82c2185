#pragma once

#include "cluster/address.hpp"
#include "engine/wire/frame.hpp"

#include <compare>
#include <cstdint>
#include <functional>
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

/// Carries batches between nodes. Thread-safe. Links that carry them over the network are `data_links`.
class batch_links {
 public:
  virtual ~batch_links() = default;

  /// The session of the cluster, the same at the peers. Nobody gets in before it is set.
  virtual void set_session(const std::string& session) = 0;
  /// Says where a peer listens; the connection is made with the first batch.
  virtual void add_peer(const std::string& name, const address& where) = 0;
  /// Drops the connections with a peer that has gone; runs that used them fail.
  virtual void remove_peer(const std::string& name) = 0;

  /// Sends a payload on a channel, after all that were sent on it before.
  virtual void send(const std::string& peer, const data_route& route, std::uint32_t attempt, wire::payload body) = 0;
  /// Hands what arrives on a channel to `deliver`, on the links' thread. Frames of another attempt are dropped.
  using deliver_function = std::function<void(wire::payload)>;
  virtual void receive(const std::string& peer, const data_route& route, std::uint32_t attempt,
                       deliver_function deliver) = 0;
  /// Drops everything of a run: what is queued, and who receives it.
  virtual void forget(const std::string& run) = 0;
};

}  // namespace sluice::cluster
