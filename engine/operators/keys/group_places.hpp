#pragma once

#include "engine/operators/arrivals.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

/// Remembers a row for each group (its first one, or the one that is kept) by
/// its place in the input's order, and gives the groups in that order.
class group_places {
 public:
  struct place {
    std::uint32_t batch, row;
  };

  /// Notes where groups first appear: rows of a batch, the newest of `order`,
  /// with their numbers in it (null: 0, 1, ...).
  void note_first(const std::uint32_t* groups, std::int64_t rows, std::size_t group_count, const arrivals& order,
                  const std::uint32_t* row_numbers);

  /// Sets the place of a group.
  void put(std::uint32_t group, std::uint32_t batch, std::uint32_t row);

  /// Begins to give groups.
  void start(const arrivals& order);
  /// The next groups, at most `count`; empty at the end. Valid until the next
  /// call.
  std::span<const std::uint32_t> next(std::size_t count);
  /// True where groups are given in the order of their numbers.
  [[nodiscard]] bool ascending() const { return ascending_; }
  [[nodiscard]] place place_of(std::uint32_t group) const { return {batches_[group], rows_[group]}; }
  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>((batches_.capacity() + rows_.capacity()) * 4);
  }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  std::vector<std::uint32_t> batches_;  ///< number of the batch, by group
  std::vector<std::uint32_t> rows_;     ///< row in it, by group
  bool ascending_ = true;
  std::vector<std::uint32_t> ordered_;  ///< groups by batch; sorted by row up to sorted_
  std::vector<std::size_t> ends_;       ///< of the groups of each batch in ordered_
  std::size_t batches_sorted_ = 0;
  std::size_t sorted_ = 0;
  std::size_t given_ = 0;
};

}  // namespace sluice
