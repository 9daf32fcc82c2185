#pragma once

#include "cluster/batch_links.hpp"
#include "engine/flow/credit.hpp"
#include "engine/wire/window_frame.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::cluster {

/// What waits for one peer, by channel. A channel sends while its window at the receiver has room; one that has none
/// keeps no other one waiting. Batches of channels without an order are cut where they are larger than the window, and
/// small ones that wait are sent together. Pure: no network, no time.
class outgoing_channels {
 public:
  struct item {
    data_route route;
    std::uint32_t attempt = 1;
    std::uint64_t sequence = 0;  ///< of its first frame
    wire::payload body;
  };
  /// Bytes of a channel that may be under way before its receiver has said anything.
  static constexpr std::int64_t first_window = 64 * 1024;
  /// Batches below are put together, up to so many bytes.
  static constexpr std::int64_t small_batch = 64 * 1024;
  static constexpr std::int64_t together = 256 * 1024;

  void add(outgoing_batch what);
  /// What is to be sent next: the channels take turns.
  std::optional<item> next();
  /// What `next` gave was sent in so many frames.
  void sent(const data_route& route, bool is_end, std::size_t frames);
  /// The receiver has told its window. False where it speaks of more rows than were sent.
  [[nodiscard]] bool told(const wire::window_frame& window);

  /// Drops what waits for a run, and what is known of its channels; and what still comes of its attempts so far.
  void forget(const std::string& run);
  void clear();
  /// Runs that send here.
  [[nodiscard]] std::set<std::string> runs() const;
  /// Batches and markers that wait.
  [[nodiscard]] std::int64_t waiting() const { return waiting_; }

 private:
  struct channel {
    std::uint32_t attempt = 1;
    bool ordered = true;
    std::deque<wire::payload> queue;
    flow::credit_window under_way = flow::credit_window();
    std::int64_t window = first_window;
    std::uint64_t sequence = 0;
    std::uint64_t worked_off = 0;  ///< rows, as the receiver has said
    bool listed = false;           ///< in turns_
    bool ended = false;            ///< its end was sent
  };

  /// The first of the queue, or as much of it as may go now; not set: it has to wait.
  std::optional<wire::payload> take(channel& from);
  std::optional<batch> piece_of(channel& from, batch& front, std::int64_t bytes);
  batch with_the_next(channel& from, batch first, std::int64_t bytes);
  void list(const data_route& route, channel& one);

  std::map<data_route, channel> channels_;
  std::deque<data_route> turns_;                                 ///< channels that may have something to send
  std::deque<std::pair<std::string, std::uint32_t>> forgotten_;  ///< runs, and up to which attempt
  std::int64_t waiting_ = 0;
};

}  // namespace sluice::cluster
