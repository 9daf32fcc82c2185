#pragma once

#include "cluster/batch_links.hpp"
#include "cluster/data_settings.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

class certificates;

/// Bytes since the start.
struct data_traffic {
  std::int64_t plain = 0;     ///< of rows that were sent, before compression
  std::int64_t packed = 0;    ///< after it
  std::int64_t frames = 0;    ///< sent
  std::int64_t received = 0;  ///< of frames
};

/// Carries batches between nodes: one TCP connection for each direction between two nodes, encrypted where the node has
/// certificates, apart from the control connection so that control never waits behind data. Each connection has a
/// strand of its own, on which its rows are encoded and sent, or received and decoded; some threads serve all strands,
/// so that a peer that takes nothing keeps nobody waiting. Both ends prove first that they have the token and belong to
/// the same session; all others are closed and logged.
///
/// What arrives is bounded by one budget for all channels of the node (engine/flow/receive_budget.hpp): their receivers
/// tell the senders how much more may come. Of what waits for a peer about 1 MiB and one batch are encoded; the rest
/// waits as pointers, bounded by the credit of its channels. Thread-safe.
class data_links final : public batch_links {
 public:
  struct callbacks {
    /// A run can't go on: a link of it broke, or a batch of it can't travel. Called on any thread.
    std::function<void(const std::string& run, const error& why)> failed;
    /// One line for the node's log.
    std::function<void(const std::string& text)> log;
  };

  /// Listens on a free port of `host`. `name` is this node's, `token` what its peers have too; `secured` encrypts the
  /// connections, null: nothing does.
  static result<std::unique_ptr<data_links>> start(std::string name, std::string token, callbacks tell,
                                                   const std::string& host = "127.0.0.1",
                                                   std::shared_ptr<certificates> secured = nullptr,
                                                   const data_settings& settings = {});
  ~data_links() override;
  data_links(const data_links&) = delete;
  data_links& operator=(const data_links&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  void set_session(const std::string& session) override;
  void add_peer(const std::string& name, const address& where) override;
  void remove_peer(const std::string& name) override;
  void send(const std::string& peer, outgoing_batch what) override;
  void receive(const std::string& peer, const data_route& route, std::uint32_t attempt,
               deliver_function deliver) override;
  void worked_off(const data_route& route, std::int64_t rows) override;
  void forget(const std::string& run) override;

  /// Bytes encoded and not yet taken by the network, the most of any peer since the start: the bound that tests assert.
  [[nodiscard]] std::int64_t most_queued_bytes() const;
  /// Batches and markers that wait to be encoded, of all peers.
  [[nodiscard]] std::int64_t waiting() const;
  /// Bytes of rows that came and were not worked off, now and at most since the start.
  [[nodiscard]] std::int64_t held_bytes() const;
  [[nodiscard]] std::int64_t most_held_bytes() const;
  [[nodiscard]] data_traffic traffic() const;

 private:
  struct state;
  explicit data_links(std::shared_ptr<state> all);
  std::shared_ptr<state> state_;
};

/// Nothing more is encoded for a peer while so much is.
inline constexpr std::int64_t enough_encoded_bytes = 1024 * 1024;

}  // namespace sluice::cluster
