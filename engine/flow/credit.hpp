#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace sluice::flow {

/// How much may be on its way on one channel: sent and not yet worked off by the receiver.
struct credit_limits {
  std::int64_t rows = 4 * 64 * 1024;
  std::int64_t bytes = 4 * 1024 * 1024;
  std::int64_t markers = 64;  ///< batches without rows, which only keep the numbering gapless
};

/// Cuts the bytes of each channel down so that `channels` of them have no more than `bytes` under way together, but not
/// below 256 KiB: a channel that carries less at a time is mostly waiting.
credit_limits share_credit(credit_limits of_each, std::int64_t bytes, std::size_t channels);

/// The sender's side of a channel's credit, in rows and bytes. An empty channel accepts one batch whatever its size, so
/// that no batch is too large to travel; otherwise rows and bytes on their way never exceed the limits.
///
/// The receiver gives rows back, not bytes or batches: a link may cut a batch into frames, and what it weighs over
/// there is another number. The sender knows the bytes of its own batches, which follow each other as they were sent.
class credit_window {
 public:
  explicit credit_window(credit_limits limits = {}) : limits_(limits) {}

  /// True where a batch of that size may be sent now.
  [[nodiscard]] bool accepts(std::int64_t rows, std::int64_t bytes) const;
  void sent(std::int64_t rows, std::int64_t bytes);
  /// On their way now.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  /// Takes back what the receiver has worked off; false where that is more than is on its way (a defect of the peer).
  [[nodiscard]] bool returned(std::int64_t rows, std::int64_t markers);

 private:
  struct sent_batch {
    std::int64_t rows;  ///< not yet given back
    std::int64_t bytes;
  };

  credit_limits limits_;
  std::deque<sent_batch> batches_;  ///< with rows, oldest first
  std::int64_t rows_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t markers_ = 0;
};

}  // namespace sluice::flow
