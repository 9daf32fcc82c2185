#include "engine/wire/window_frame.hpp"

#include "engine/wire/frame_writer.hpp"

#include <msgpack.hpp>

namespace sluice::wire {

std::string encode_window(const window_frame& what) {
  frame_writer frame(what.of, "window", 2, max_window_frame_bytes);
  frame.number("rows", what.rows);
  frame.number("window", static_cast<std::uint64_t>(what.bytes));
  return frame.finish().joined();
}

result<window_frame> parse_window(std::span<const char> frame) {
  SLUICE_ASSIGN(const auto found, parse(frame));
  if (found.kind != "window") return malformed("only windows come on this way");
  SLUICE_ASSIGN(auto head, head_of(found));
  if (found.window > INT64_MAX) return malformed("its window is too large");
  return window_frame{.of = std::move(head), .rows = found.rows, .bytes = static_cast<std::int64_t>(found.window)};
}

}  // namespace sluice::wire
