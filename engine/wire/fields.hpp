#pragma once

#include "engine/error/error.hpp"
#include "engine/wire/frame.hpp"
#include "engine/wire/layout.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::wire {

/// The format's version: the value of a frame's first key, "sluice".
inline constexpr std::uint64_t format_version = 2;

/// Everything that stands in a frame, by docs/wire-format.md. Text and bytes point into the frame.
struct fields {
  std::string_view kind;
  std::string_view run;
  std::uint64_t edge = 0, from = 0, to = 0, attempt = 0, sequence = 0;
  // batch
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::vector<std::int64_t> order;     ///< split, sequence, chunk, last_chunk, last_in_split
  std::vector<std::int64_t> part;      ///< this part of the batch, parts in all
  std::vector<std::int64_t> fragment;  ///< this fragment of the part, fragments in all
  std::string_view schema;
  bool positions = false;
  std::vector<node> nodes;
  std::vector<span_of_body> buffers;
  std::string_view codec;
  std::uint64_t body_bytes = 0;
  std::string_view body;
  // end_of_data: rows; barrier: epoch; watermark: time; window: rows, window
  std::int64_t time = 0;
  std::uint64_t window = 0;
  std::uint64_t checksum = 0;
};

/// Reads a frame's map: right magic, version and checksum, every key known and at most once, every value of its type.
/// Allocates in proportion to the frame's bytes, whatever it claims.
result<fields> parse(std::span<const char> frame);

/// What it says of itself. Errors: malformed_frame.
result<header> head_of(const fields& from);

error malformed(const std::string& message);

}  // namespace sluice::wire
