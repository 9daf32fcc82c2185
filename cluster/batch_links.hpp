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

/// Something for a channel.
struct outgoing_batch {
  data_route route;
  std::uint32_t attempt = 1;
  wire::payload body;
  bool ordered = true;  ///< batches keep their places: they are neither cut nor put together
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
  virtual void send(const std::string& peer, outgoing_batch what) = 0;
  /// Hands what arrives on a channel to `deliver`, on a thread of the links. Frames of another attempt are dropped.
  using deliver_function = std::function<void(wire::payload)>;
  virtual void receive(const std::string& peer, const data_route& route, std::uint32_t attempt,
                       deliver_function deliver) = 0;
  /// Rows that arrived on a channel were worked off: as many may follow.
  virtual void worked_off(const data_route& route, std::int64_t rows) = 0;
  /// Drops everything of a run: what is queued, and who receives it.
  virtual void forget(const std::string& run) = 0;
};

}  // namespace sluice::cluster
