#pragma once

#include "engine/flow/conservation.hpp"
#include "engine/flow/credit.hpp"
#include "engine/memory/manager.hpp"
#include "engine/wire/frame.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace sluice::flow {

/// The sending end of all channels of one instance: spreads batches over the receivers by the kind of their edge, holds
/// back what there is no credit for, and counts what it sends.
class outbox {
 public:
  using send_function = std::function<void(const channel_id&, wire::payload)>;

  /// `channels`: all that start here. `send` is called only from the calls below. What waits for credit or is on its
  /// way is counted at `memory`.
  outbox(const plan& of, instance_id who, const std::vector<channel_id>& channels, credit_limits limits,
         send_function send, std::shared_ptr<memory::manager> memory = nullptr);

  /// Gives a stamped batch to everything that reads the port. Batches without rows travel only on ordered edges.
  status emit(int port, const batch& rows);
  /// Credit came back. Errors: protocol_error.
  status credited(const channel_id& channel, std::int64_t rows, std::int64_t markers);
  /// The receiver needs no more: what waits for it is dropped and counted, and the channel ends.
  void stopped(const channel_id& channel);
  /// Nothing follows on any channel.
  void end();
  /// Passes a barrier on, behind what was emitted before it.
  void barrier(std::uint64_t epoch);

  /// Passes a watermark on, behind what was emitted before it, on the edges that carry such.
  void watermark(std::int64_t time);

  /// True where nothing waits for credit; a unit makes nothing new before.
  [[nodiscard]] bool clear() const { return waiting_ == 0; }
  /// Batches that wait for credit, on all channels.
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  /// True where at least one channel starts here and no receiver needs more.
  [[nodiscard]] bool unwanted() const;
  /// True once every channel has sent its end.
  [[nodiscard]] bool ended() const;
  /// True once `end` was called.
  [[nodiscard]] bool ending() const { return ending_; }
  [[nodiscard]] bool any_ordered() const;
  /// Adds the counts of ports and channels; what waits for credit counts as sent.
  void fill(instance_report& report) const;
  /// Counts on from where another outbox of the same instance stood at a barrier.
  void go_on(const instance_report& from);

 private:
  struct channel_state {
    channel_id name;
    credit_window window;
    std::deque<std::pair<wire::payload, std::int64_t>> waiting = {};  ///< with the bytes of a batch
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;
    bool stopped = false;
    bool ended = false;
  };
  struct edge_state {
    std::uint32_t edge = 0;
    std::vector<std::size_t> channels;  ///< indices in channels_, by receiver
    std::size_t turn = 0;               ///< round robin: who is next
  };

  void enqueue(channel_state& channel, batch rows, std::int64_t bytes);
  void flush(channel_state& channel);
  void spread_evenly(edge_state& edge, batch rows);
  status spread_by_keys(edge_state& edge, const batch& rows);

  const plan* plan_;
  send_function send_;
  std::vector<channel_state> channels_;
  std::vector<edge_state> edges_;
  std::vector<std::uint64_t> port_rows_;
  bool ending_ = false;
  std::size_t waiting_ = 0;
  memory::queued_bytes queued_;
};

}  // namespace sluice::flow
