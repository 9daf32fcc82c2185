#pragma once

#include "engine/wire/frame.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::wire {

/// How rows travel between nodes: in one way, or in the one that takes the least time.
enum class compression : std::uint8_t { automatic, none, lz4, zstd };

/// "auto", "none", "lz4" or "zstd".
std::optional<compression> parse_compression(std::string_view name);

/// Chooses the codec for each batch of one edge. With `automatic` it compares what it has measured: the seconds that a
/// byte takes on the link, the seconds to compress it, and what is left of it then. As long as the link takes all that
/// there is without a wait, nothing is compressed.
class codec_choice {
 public:
  explicit codec_choice(compression how) : how_(how) {}

  /// For a batch of so many bytes. `link`: bytes per second that the link takes when it is full; 0: it never was.
  codec next(std::int64_t bytes, double link);
  /// A batch was encoded so.
  void measured(codec with, std::int64_t plain_bytes, std::int64_t packed_bytes, double seconds);

  /// Batches between two measurements of a codec that is not in use.
  static constexpr std::uint64_t try_again = 512;
  /// What must be saved of the time for compression to be worth its work.
  static constexpr double least_gain = 0.1;
  /// Smaller bodies say little, and gain little.
  static constexpr std::int64_t least_bytes = 4096;

 private:
  struct experience {
    bool measured = false;
    double seconds_per_byte = 0;
    double left = 1;  ///< packed bytes for each plain one
    std::uint64_t last_used = 0;
  };
  [[nodiscard]] experience& of(codec which) { return known_[static_cast<std::size_t>(which)]; }

  compression how_;
  std::uint64_t batches_ = 0;
  std::array<experience, 3> known_;
};

}  // namespace sluice::wire
