#pragma once

#include "engine/operators/aggregates/accumulator.hpp"

#include <vector>

namespace sluice::aggregates {

/// The sums of groups, how many values each has, and how often it wrapped, so that only the total can overflow, not the
/// way to it. `Sum` is an integer of fixed width.
template <class Sum>
class wrapping_sums {
 public:
  /// Makes room for the groups and counts the rows.
  void begin(const grouped_rows& in) {
    sums_.resize(in.group_count);
    counts_.add(in);
  }
  [[nodiscard]] Sum* sums() { return sums_.data(); }
  [[nodiscard]] const Sum& operator[](std::uint32_t group) const { return sums_[group]; }
  [[nodiscard]] std::int64_t count(std::uint32_t group) const { return counts_[group]; }
  void wrapped(std::uint32_t group, int direction) {
    if (wraps_.size() < sums_.size()) wraps_.resize(sums_.size());
    wraps_[group] += direction;
  }
  [[nodiscard]] std::int64_t wraps(std::uint32_t group) const { return group < wraps_.size() ? wraps_[group] : 0; }

  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>(sums_.capacity() * sizeof(Sum) + wraps_.capacity() * sizeof(std::int64_t)) +
           counts_.bytes();
  }
  status save(std::span<const std::uint32_t> groups, arrow::ArrayVector& to) {
    SLUICE_TRY(save_values(sums_, groups, to));
    SLUICE_TRY(save_values(wraps_, groups, to));
    return counts_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) {
    SLUICE_TRY(load_values(from, to, sums_));
    SLUICE_TRY(load_values(from, to, wraps_));
    return counts_.load(from, to);
  }

 private:
  std::vector<Sum> sums_;
  std::vector<std::int64_t> wraps_;  ///< empty while there are none
  value_counts counts_;
};

}  // namespace sluice::aggregates
