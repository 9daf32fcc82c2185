#pragma once

#include "engine/error/error.hpp"
#include "engine/wire/frame.hpp"
#include "engine/wire/layout.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::wire {

/// A frame that was not put together: the columns' buffers stay where they are, and the network takes them from there.
struct scattered_frame {
  std::string head;         ///< up to the body
  std::vector<piece> body;  ///< one after another; each has bytes
  std::string tail;         ///< what follows the body

  [[nodiscard]] std::size_t size() const;
  /// The frame in one piece.
  [[nodiscard]] std::string joined() const;
};

/// The frames of one message.
struct scattered_message {
  std::vector<scattered_frame> frames;
  std::int64_t plain_bytes = 0;   ///< of the bodies, before compression
  std::int64_t packed_bytes = 0;  ///< after it
};

/// Encodes like `encode`, without copying what need not be copied.
result<scattered_message> encode_scattered(const message& what, codec compression);

}  // namespace sluice::wire
