#pragma once

#include "engine/files/files.hpp"

namespace sluice {

/// A stream whose `read` can wait for long: standard input, and what unpacks or decodes it.
class interruptible_stream {
 public:
  virtual ~interruptible_stream() = default;
  /// Lets a `read` under way and all later ones fail with `interrupted`. Comes from any thread.
  virtual void interrupt() noexcept = 0;
};

/// Interrupts a stream that can be.
inline void interrupt_stream(byte_stream& stream) noexcept {
  if (auto* const waiting = dynamic_cast<interruptible_stream*>(&stream)) waiting->interrupt();
}

}  // namespace sluice
