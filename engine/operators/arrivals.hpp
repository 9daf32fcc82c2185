#pragma once

#include "engine/values/batch.hpp"

#include <cstdint>
#include <vector>

namespace sluice {

/// Remembers the batches that an operator has seen, so that results follow the
/// order of the input however its batches came. Batches with equal order keys
/// (from several instances) follow each other as they came.
class arrivals {
 public:
  /// Numbers a batch.
  std::uint32_t add(const order_key& key);
  /// True where the batch `a` comes before `b` in the input's order.
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const;
  /// True while every batch came after all that precede it.
  [[nodiscard]] bool in_order() const { return in_order_; }
  /// True where the newest batch comes after all others.
  [[nodiscard]] bool newest_is_last() const { return last_ + 1 == seen_.size(); }
  /// The numbers of all batches in the input's order.
  [[nodiscard]] std::vector<std::uint32_t> sorted() const;
  /// Where a batch came in the input's order.
  [[nodiscard]] order_key key(std::uint32_t batch) const {
    return {.split = seen_[batch].split, .sequence = seen_[batch].sequence, .chunk = seen_[batch].chunk};
  }
  [[nodiscard]] std::size_t size() const { return seen_.size(); }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(seen_.capacity() * sizeof(place)); }

 private:
  struct place {
    std::uint32_t split, sequence, chunk;
  };
  std::vector<place> seen_;
  std::size_t last_ = 0;
  bool in_order_ = true;
};

}  // namespace sluice
