#pragma once

#include "engine/flow/credit.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace sluice::flow {

/// Divides the memory that a node has for rows from other nodes among the channels that end there. Each channel has a
/// window: bytes of it that may be under way or here and not worked off yet.
///
/// A channel begins with `least`, which it keeps whatever the others do: so each of them can always go on, and none
/// waits for rows that another one keeps from coming. As its rows are worked off its window doubles, up to its share of
/// the budget, while there is room; where more channels become active, those that have more than their share give it
/// back. So all windows together have at most the budget and `least` for each open channel. Only a batch that can't be
/// cut may exceed the window of its channel, when nothing else of it is under way; it counts like the others.
class receive_budget {
 public:
  struct limits {
    std::int64_t bytes = 128 * 1024 * 1024;
    std::int64_t least = 64 * 1024;
    std::int64_t most = 4 * 1024 * 1024;  ///< of one channel
  };
  /// What the sender of a channel is told.
  struct window {
    std::uint64_t rows = 0;  ///< worked off in all
    std::int64_t bytes = 0;
  };

  explicit receive_budget(limits within) : limits_(within) {}

  /// Gives the number of a new channel.
  std::uint64_t open();
  void close(std::uint64_t channel);
  /// Rows came.
  void arrived(std::uint64_t channel, std::int64_t rows, std::int64_t bytes);
  /// Rows were worked off. Not set: the sender need not hear of it yet.
  std::optional<window> worked_off(std::uint64_t channel, std::int64_t rows);

  /// Bytes that came and were not worked off, and the most there ever were.
  [[nodiscard]] std::int64_t held() const { return held_; }
  [[nodiscard]] std::int64_t most_held() const { return most_held_; }
  [[nodiscard]] std::size_t channels() const { return channels_.size(); }

 private:
  struct channel_state {
    std::int64_t window = 0;
    std::int64_t allowed = 0;   ///< bytes that may come in all, by the windows that were told
    std::int64_t off = 0;       ///< bytes worked off in all
    std::uint64_t rows = 0;     ///< the same in rows
    std::int64_t told_off = 0;  ///< what of them the sender was told
    credit_window here;         ///< what came and was not worked off
    std::int64_t largest = 0;   ///< bytes of its largest batch
    bool active = false;        ///< something came
  };

  /// What may be here of a channel beyond `least`.
  [[nodiscard]] std::int64_t beyond(const channel_state& channel) const;
  /// What all may have beyond `least`.
  [[nodiscard]] std::int64_t for_all_beyond() const;
  /// The window of a channel that is not counted in beyond_.
  [[nodiscard]] std::int64_t next_window(const channel_state& channel) const;

  limits limits_;
  std::map<std::uint64_t, channel_state> channels_;
  std::uint64_t next_ = 0;
  std::int64_t active_ = 0;
  std::int64_t beyond_ = 0;  ///< of all channels
  std::int64_t held_ = 0;
  std::int64_t most_held_ = 0;
};

}  // namespace sluice::flow
