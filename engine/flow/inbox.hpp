#pragma once

#include "engine/flow/barriers.hpp"
#include "engine/flow/conservation.hpp"
#include "engine/flow/order.hpp"
#include "engine/memory/manager.hpp"
#include "engine/wire/frame.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::flow {

/// A watermark in the stream that stands for none: nothing comes on the channel for now, and it holds no other one
/// back, until its next watermark.
inline constexpr std::int64_t idle_mark = std::numeric_limits<std::int64_t>::min();

/// Credit that is due to the sender of a channel.
struct due_credit {
  channel_id channel;
  std::int64_t rows = 0;
  std::int64_t markers = 0;
};

/// The receiving end of all channels of one instance: counts what arrives, puts it in order where that is wanted, and
/// hands it out as one sequence of items.
///
/// A barrier stands in the queue of its input, behind all that came before it on the input's channels: also what waits
/// for its place in the order, or because the input is held back. An input whose order has a gap before its barrier
/// takes in what fills the gap, and nothing else. Senders of ordered edges avoid that: they send a barrier where all
/// that comes before in the order has been sent, and nothing that comes behind.
///
/// A watermark stands behind what came before it as well. That of an input is the lowest of its channels that are not
/// idle, that of all the lowest of the inputs that carry any and are not idle. It never falls.
class inbox {
 public:
  struct arrived_batch {
    int input = 0;
    batch rows;
    std::optional<due_credit> owed;  ///< to be given once the batch is worked off
    /// Of one that came early: it has no credit any more, and is counted until it is worked off.
    std::shared_ptr<const memory::queued_bytes> early = nullptr;
  };
  struct input_ended {
    int input = 0;
  };
  struct aligned_barrier {
    std::uint64_t epoch = 0;
    std::vector<channel_counters> received = {};  ///< up to the barrier
    std::string places = {};                      ///< where the inputs stand in their orders, for `go_on`
  };
  /// No row before `watermark` comes any more on inputs whose edge carries watermarks, except late ones. idle_mark: all
  /// of them are idle, and the last one stands; the same one again: not any more.
  struct time_risen {
    std::int64_t watermark = 0;
  };
  using item = std::variant<arrived_batch, input_ended, aligned_barrier, time_risen>;

  /// `channels`: all that end here. What waits for its place in the order is counted at `memory`.
  inbox(const plan& of, instance_id who, const std::vector<channel_id>& channels,
        std::shared_ptr<memory::manager> memory = nullptr);

  /// Takes the next item of a channel. Credit for a batch that has to wait for its place in the order is due at once
  /// (`now`); for all others when they are worked off. Errors: rows_lost (the sender's count at its end differs, or the
  /// order has a gap), protocol_error (a foreign or ended channel).
  status take(const channel_id& channel, wire::payload body, std::vector<due_credit>& now);
  /// The next item to work on.
  std::optional<item> next();
  [[nodiscard]] bool empty() const { return ready_.empty(); }
  /// True once every input has ended and every item was handed out.
  [[nodiscard]] bool exhausted() const;
  /// What a barrier says that passes now.
  [[nodiscard]] aligned_barrier barrier_here(std::uint64_t epoch) const;
  /// Begins where another inbox of the same instance stood at a barrier. Error: foreign_state.
  status go_on(const std::string& places, const std::vector<channel_counters>& received);
  /// Begins anew, and only counts on.
  void count_on(const std::vector<channel_counters>& received);
  /// Keeps the items of an input back until `let_in`, or until a barrier comes on any channel, which would otherwise
  /// wait for an input that waits for it; nobody gets credit for them meanwhile.
  void hold_back(int input) { inputs_[static_cast<std::size_t>(input)].held_back = true; }
  void let_in(int input);
  /// Nothing more is wanted: from now on what arrives is counted and dropped, credit for it is due at once. What was
  /// waiting comes back as credit in `now`. Errors as of `take`.
  status give_up(std::vector<due_credit>& now);
  /// Rows that arrived after `give_up`, or waited then.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

  [[nodiscard]] const std::vector<channel_id>& channels() const { return names_; }
  void fill(instance_report& report) const;

 private:
  struct channel_state {
    channel_id name;
    int input = 0;
    std::uint64_t rows = 0;
    bool ended = false;
    std::optional<std::int64_t> time = {};  ///< its last watermark
    bool idle = false;                      ///< nothing comes for now
    std::deque<wire::payload> blocked;      ///< behind a barrier that other channels have not brought yet
  };
  /// A watermark of one input in its queue.
  struct input_time {
    int input = 0;
    std::int64_t time = 0;
  };
  using queued = std::variant<arrived_batch, input_ended, aligned_barrier, input_time>;
  struct input_state {
    bool restore_order = false;
    bool timed = false;                                          ///< its edge carries watermarks
    std::optional<std::int64_t> time = {};                       ///< lowest of its channels
    bool idle = false;                                           ///< all of its channels are
    std::optional<std::int64_t> reached = {};                    ///< the last one that was handed out
    bool reached_idle = false;                                   ///< the last that was handed out is that it is idle
    std::deque<std::pair<order_key, std::int64_t>> behind = {};  ///< watermarks that wait for batches before a place
    bool held_back = false;
    std::size_t open = 0;        ///< channels that have not ended
    std::deque<queued> waiting;  ///< while held back
    reorder_buffer<arrived_batch> order;
    std::optional<order_key> gap_upto;  ///< at a barrier: what comes before this place still goes before it
  };

  status accept(std::size_t index, wire::payload body, std::vector<due_credit>& now);
  status take_batch(channel_state& channel, batch rows, std::vector<due_credit>& now);
  status end_channel(std::size_t index, std::uint64_t rows);
  void make_ready(std::size_t input, queued what);
  void take_watermark(channel_state& channel, std::int64_t time);
  /// Lets watermarks through whose batches have left the order.
  void release_times(std::size_t input);
  /// The input's watermark was handed out: gives that of all inputs, where it has risen.
  std::optional<std::int64_t> reach(const input_time& what);
  [[nodiscard]] bool must_wait(std::size_t channel, const wire::payload& body) const;
  /// Hands the barrier out once everything before it has been.
  status pass_barrier(std::vector<due_credit>& now);
  [[nodiscard]] status check_gaps() const;

  const plan* plan_;
  std::shared_ptr<memory::manager> memory_;
  std::vector<channel_id> names_;
  std::vector<channel_state> channels_;
  std::vector<input_state> inputs_;
  barrier_alignment alignment_;
  std::optional<std::uint64_t> aligned_;  ///< all channels have brought it, but something before it is missing
  std::deque<queued> ready_;
  std::optional<std::int64_t> reached_;  ///< the watermark of all inputs
  bool all_idle_ = false;                ///< that was handed out last
  std::size_t open_ = 0;                 ///< inputs that have not ended
  bool given_up_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice::flow
