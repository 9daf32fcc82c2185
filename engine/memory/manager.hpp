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

  /// Grants `bytes` more, or refuses.
  [[nodiscard]] bool reserve(std::int64_t bytes);
  /// Takes what is needed to go on at all, also beyond the limit: the buffers of spilling, an operator's least.
  void take(std::int64_t bytes);
  void release(std::int64_t bytes);

  [[nodiscard]] std::int64_t limit() const { return limit_; }
  /// What an operator that can spill may `take` before it does so: less would not be worth a write.
  [[nodiscard]] std::int64_t least() const { return limit_ < sixteenth_of ? limit_ / 16 : sixteenth_of / 16; }
  [[nodiscard]] std::int64_t reserved() const { return reserved_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t sixteenth_of = std::int64_t{128} << 20;
  void note(std::int64_t total);

  const std::int64_t limit_;
  std::atomic<std::int64_t> reserved_ = 0;
  std::atomic<std::int64_t> peak_ = 0;
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
