#pragma once

#include "engine/error/error.hpp"
#include "engine/wire/frame.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace sluice::wire {

/// What a receiver says of one channel, on the way back: how many of its rows were worked off in all, and how many
/// bytes of the others may be under way.
struct window_frame {
  header of;  ///< without sequence
  std::uint64_t rows = 0;
  std::int64_t bytes = 0;
};

/// No such frame is longer.
inline constexpr std::size_t max_window_frame_bytes = 512;

std::string encode_window(const window_frame& what);
/// Errors: malformed_frame.
result<window_frame> parse_window(std::span<const char> frame);

}  // namespace sluice::wire
