#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::flow {

/// Aligns the barriers of a unit's channels (Chandy-Lamport): a channel that has brought the barrier of an epoch waits
/// until all others have. An ended channel counts as aligned.
class barrier_alignment {
 public:
  explicit barrier_alignment(std::size_t channels) : channels_(channels) {}

  /// True where items of the channel must wait.
  [[nodiscard]] bool waits(std::size_t channel) const { return channels_[channel].waiting; }
  /// A barrier came; gives its epoch back once all channels have brought it, and lets them go on.
  std::optional<std::uint64_t> arrived(std::size_t channel, std::uint64_t epoch);
  /// The channel will bring nothing more; may complete an alignment.
  std::optional<std::uint64_t> ended(std::size_t channel);

 private:
  struct channel_state {
    bool waiting = false;
    bool ended = false;
  };
  std::optional<std::uint64_t> complete();

  std::vector<channel_state> channels_;
  std::optional<std::uint64_t> epoch_;  ///< being aligned
};

}  // namespace sluice::flow
