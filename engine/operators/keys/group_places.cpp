#include "engine/operators/keys/group_places.hpp"

#include <algorithm>
#include <numeric>

namespace sluice {

void group_places::note_first(const std::uint32_t* groups, std::int64_t rows, std::size_t group_count,
                              const arrivals& order, const std::uint32_t* row_numbers) {
  const auto known = batches_.size();
  const auto batch = static_cast<std::uint32_t>(order.size() - 1);
  const bool last = order.newest_is_last();
  if (last && group_count == known) return;
  batches_.resize(group_count, none);
  rows_.resize(group_count, none);
  std::uint32_t highest = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto group = groups[row];
    if (group < known && (last || !order.before(batch, batches_[group]))) continue;
    if (batches_[group] == batch) continue;
    if (batches_[group] == none) {
      ascending_ = ascending_ && group >= highest;
      highest = group;
    }
    batches_[group] = batch;
    rows_[group] = row_numbers != nullptr ? row_numbers[row] : static_cast<std::uint32_t>(row);
  }
  ascending_ = ascending_ && last;
}

void group_places::put(std::uint32_t group, std::uint32_t batch, std::uint32_t row) {
  if (group >= batches_.size()) {
    batches_.resize(group + std::size_t{1}, none);
    rows_.resize(group + std::size_t{1}, none);
  }
  batches_[group] = batch;
  rows_[group] = row;
  ascending_ = false;
}

void group_places::start(const arrivals& order) {
  given_ = 0;
  if (ascending_) {
    ordered_.resize(std::min<std::size_t>(batches_.size(), target_batch_rows));
    return;
  }
  // Sorted by counting over batches now, by row as they are given.
  std::vector<std::uint32_t> rank(order.size());
  const auto sequence = order.sorted();
  for (std::size_t i = 0; i < sequence.size(); ++i) rank[sequence[i]] = static_cast<std::uint32_t>(i);
  ends_.assign(order.size() + 1, 0);
  for (const auto batch : batches_) ++ends_[rank[batch] + 1];
  std::partial_sum(ends_.begin(), ends_.end(), ends_.begin());
  ordered_.resize(batches_.size());
  auto free_place = ends_;
  for (std::size_t group = 0; group < batches_.size(); ++group)
    ordered_[free_place[rank[batches_[group]]]++] = static_cast<std::uint32_t>(group);
}

std::span<const std::uint32_t> group_places::next(std::size_t count) {
  count = std::min(count, batches_.size() - given_);
  if (ascending_) {
    ordered_.resize(count);
    std::iota(ordered_.begin(), ordered_.end(), static_cast<std::uint32_t>(given_));
    given_ += count;
    return {ordered_.data(), count};
  }
  while (sorted_ < given_ + count) {
    const auto begin = ordered_.begin() + static_cast<std::ptrdiff_t>(sorted_);
    const auto end = ordered_.begin() + static_cast<std::ptrdiff_t>(ends_[++batches_sorted_]);
    std::sort(begin, end, [this](auto a, auto b) { return rows_[a] < rows_[b]; });
    sorted_ = ends_[batches_sorted_];
  }
  given_ += count;
  return {ordered_.data() + (given_ - count), count};
}

}  // namespace sluice
