#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace sluice::wire {

/// Compression of a frame's column buffers.
enum class codec : std::uint8_t { none, lz4, zstd };

/// No frame is larger; a larger batch is split by rows, one larger row travels as numbered fragments.
inline constexpr std::size_t max_frame_bytes = 4 * 1024 * 1024;

/// What every frame says of itself, whatever it carries.
struct header {
  std::string run;             ///< UUID text
  std::uint32_t edge = 0;      ///< index in plan::edges
  std::uint32_t from = 0;      ///< sender's instance
  std::uint32_t to = 0;        ///< receiver's instance
  std::uint32_t attempt = 1;   ///< of the sending unit
  std::uint64_t sequence = 0;  ///< gapless per (edge, from, to) from 0
};

/// In-band messages beside batches.
struct end_of_data {
  std::uint64_t rows = 0;  ///< that the sender sent on this channel in all
};
struct barrier {
  std::uint64_t epoch = 0;
};
struct watermark {
  std::int64_t time = 0;  ///< microseconds since 1970 UTC
};
using payload = std::variant<batch, end_of_data, barrier, watermark>;

struct message {
  header head;
  payload body;
};

/// Encodes a message as one or more frames of at most max_frame_bytes, numbered from head.sequence on. The format is
/// docs/wire-format.md; each frame decodes by itself or says which fragments it needs.
result<std::vector<std::string>> encode(const message& what, codec compression);

/// Puts frames together again. One per connection; a malformed, oversized or foreign frame is an error and allocates no
/// more than the bytes it came with (or max_frame_bytes where it is compressed). What comes out is validated in full.
///
/// Frames of a channel (run, edge, from, to, attempt) must follow each other without a gap: frame_lost otherwise. After
/// an error the connection is of no more use.
class decoder {
 public:
  decoder();
  ~decoder();
  decoder(const decoder&) = delete;
  decoder& operator=(const decoder&) = delete;
  /// Takes one whole frame; empty while parts or fragments are missing. A batch that was split comes out as one message
  /// with the header of its first frame.
  result<std::vector<message>> take(std::span<const char> frame);
  /// The same without copying: the columns point into `frame`, whose memory must be aligned to 64 bytes.
  result<std::vector<message>> take(std::shared_ptr<arrow::Buffer> frame);
  /// Drops what is kept for a run's channels. Frames of it that are still on their way are passed over.
  void forget(const std::string& run);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::wire
