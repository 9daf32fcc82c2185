#pragma once

#include "engine/error/error.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace sluice::memory {

/// Grants memory to the operators of a run. A grant, or "spill yourself": nobody spills another. Thread-safe.
class manager {
 public:
  explicit manager(std::int64_t limit_bytes) : limit_(limit_bytes) {}

  /// Grants `bytes` more, or refuses. Batches that wait count as well, up to `queue_limit`: an operator is never
  /// without the rest of the limit because others send faster than it works.
  [[nodiscard]] bool reserve(std::int64_t bytes);
  /// Takes what is needed to go on at all, also beyond the limit: the buffers of spilling, an operator's least.
  void take(std::int64_t bytes);
  void release(std::int64_t bytes);
  /// Counts batches that come into or leave queues and reorder buffers. They are never refused: their senders keep to
  /// their credit, and readers to what they may be ahead.
  void queue(std::int64_t bytes) { queued_.fetch_add(bytes, std::memory_order_relaxed); }

  [[nodiscard]] std::int64_t limit() const { return limit_; }
  /// What an operator that can spill may `take` before it does so: less would not be worth a write.
  [[nodiscard]] std::int64_t least() const { return limit_ < sixteenth_of ? limit_ / 16 : sixteenth_of / 16; }
  [[nodiscard]] std::int64_t reserved() const { return reserved_.load(std::memory_order_relaxed); }
  /// Bytes of batches in queues and reorder buffers.
  [[nodiscard]] std::int64_t queued() const { return queued_.load(std::memory_order_relaxed); }
  /// What those may take of the limit.
  [[nodiscard]] std::int64_t queue_limit() const { return limit_ / 4; }
  /// What an operator could still be granted.
  [[nodiscard]] std::int64_t left() const;
  [[nodiscard]] std::int64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t sixteenth_of = std::int64_t{128} << 20;
  void note(std::int64_t total);

  const std::int64_t limit_;
  std::atomic<std::int64_t> reserved_ = 0;
  std::atomic<std::int64_t> peak_ = 0;
  std::atomic<std::int64_t> queued_ = 0;
};

/// Counts batches that wait, for as long as it lives; without a manager (in tests) it only adds up.
class queued_bytes {
 public:
  explicit queued_bytes(std::shared_ptr<manager> at, std::int64_t bytes = 0) : at_(std::move(at)) { add(bytes); }
  ~queued_bytes() { add(-bytes_); }
  queued_bytes(const queued_bytes&) = delete;
  queued_bytes& operator=(const queued_bytes&) = delete;

  /// `bytes` more, or fewer where it is negative.
  void add(std::int64_t bytes) {
    bytes_ += bytes;
    if (at_ && bytes != 0) at_->queue(bytes);
  }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<manager> at_;
  std::int64_t bytes_ = 0;
};

/// Holds what one operator was granted and gives it back when destroyed.
class reservation {
 public:
  reservation(std::shared_ptr<manager> from, std::string unit) : from_(std::move(from)), unit_(std::move(unit)) {}
  ~reservation() {
    if (bytes_ > 0) from_->release(bytes_);
  }
  reservation(const reservation&) = delete;
  reservation& operator=(const reservation&) = delete;

  /// Grows or shrinks to `bytes` in all. The error is memory_exceeded with the unit and both numbers.
  status resize(std::int64_t bytes);
  /// The same for who can spill: false where there is no memory for it, and then nothing has changed.
  [[nodiscard]] bool try_resize(std::int64_t bytes);
  /// Grows or shrinks without asking: for what an operator can't do without.
  void take(std::int64_t bytes);
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<manager> from_;
  std::string unit_;
  std::int64_t bytes_ = 0;
};

}  // namespace sluice::memory
