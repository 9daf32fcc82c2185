#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <vector>

namespace sluice {

/// Remembers the batches that an operator has seen, so that results follow the
/// order of the input however its batches came. Batches with equal order keys
/// (from several instances) follow each other as they came. Batches that follow
/// each other in one split are remembered as one stretch, so that a split
/// without end takes no more and more room.
class arrivals {
 public:
  /// Numbers a batch. Errors: too_many_batches, where the numbers of 32 bits are used up.
  result<std::uint32_t> add(const order_key& key);
  /// True where the batch `a` comes before `b` in the input's order.
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const;
  /// True while every batch came after all that precede it.
  [[nodiscard]] bool in_order() const { return in_order_; }
  /// True where the newest batch comes after all others.
  [[nodiscard]] bool newest_is_last() const { return last_ + 1 == size_; }
  /// The numbers of all batches in the input's order.
  [[nodiscard]] std::vector<std::uint32_t> sorted() const;
  /// Where a batch came in the input's order.
  [[nodiscard]] order_key key(std::uint32_t batch) const {
    const auto at = place_of(batch);
    return {.split = at.split, .sequence = at.sequence, .chunk = at.chunk};
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>(stretches_.capacity() * sizeof(place) +
                                     stretch_of_.capacity() * sizeof(std::uint32_t));
  }

 private:
  /// The first batch of a stretch; each later one has the next sequence.
  struct place {
    std::uint32_t number;
    std::uint32_t split;
    std::uint32_t chunk;
    std::uint64_t sequence;
  };
  [[nodiscard]] place place_of(std::uint32_t batch) const;

  std::vector<place> stretches_;
  std::vector<std::uint32_t> stretch_of_;  ///< of each batch; empty while there is but one
  std::size_t size_ = 0;
  std::size_t last_ = 0;
  bool in_order_ = true;
};

}  // namespace sluice
