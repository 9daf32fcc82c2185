#include "engine/operators/joins/partitions.hpp"

#include "engine/operators/joins/row_index.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

namespace sluice::joins {

namespace {

// A buffer of a spilled partition is written when it has grown to this.
constexpr std::int64_t buffer_bytes = 1 << 20;
// Blocks are kept small enough that a few of them always fit.
constexpr std::int64_t most_block_rows = 32 * 1024;

}  // namespace

std::vector<std::uint8_t> partitions::numbers_of(const key_rows& keys) const {
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(keys.rows));
  layout_->hash(keys, 0, keys.rows, hashes.data());
  std::vector<std::uint8_t> numbers(hashes.size());
  for (std::size_t row = 0; row < hashes.size(); ++row)
    numbers[row] = static_cast<std::uint8_t>((hashes[row] >> (60 - 4 * level_)) & (count - 1));
  return numbers;
}

status partitions::add(side which, const keyed_rows& rows) {
  const auto numbers = numbers_of(rows.keys);
  std::array<std::vector<std::int32_t>, count> chosen;
  for (std::size_t row = 0; row < numbers.size(); ++row) chosen[numbers[row]].push_back(static_cast<std::int32_t>(row));
  for (std::size_t number = 0; number < count; ++number)
    if (!chosen[number].empty()) SLUICE_TRY(hold(all_[number], which, take_keyed(rows, chosen[number])));
  return {};
}

result<keyed_rows> partitions::add_spilled(keyed_rows rows) {
  const auto numbers = numbers_of(rows.keys);
  std::array<std::vector<std::int32_t>, count> chosen;
  std::vector<std::int32_t> others;
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    const bool gone = all_[numbers[row]].spilled && !rows.keys.is_null(static_cast<std::int64_t>(row));
    (gone ? chosen[numbers[row]] : others).push_back(static_cast<std::int32_t>(row));
  }
  if (others.size() == numbers.size()) return rows;
  for (std::size_t number = 0; number < count; ++number)
    if (!chosen[number].empty()) SLUICE_TRY(hold(all_[number], left, take_keyed(rows, chosen[number])));
  return take_keyed(rows, others);
}

status partitions::hold(partition& to, side which, keyed_rows rows) {
  const auto bytes = bytes_of(rows);
  to.held[which].push_back(std::move(rows));
  to.held_bytes[which] += bytes;
  bytes_ += bytes;
  return to.spilled && to.held_bytes[which] >= buffer_bytes ? write(to, which) : status{};
}

status partitions::write(partition& of, side which) {
  if (of.held[which].empty()) return {};
  auto parts = std::exchange(of.held[which], {});
  bytes_ -= std::exchange(of.held_bytes[which], 0);
  // A partition that was held in memory is written in several blocks.
  for (std::size_t at = 0; at < parts.size();) {
    std::vector<keyed_rows> some;
    std::int64_t rows = 0, bytes = 0;
    while (at < parts.size() && (some.empty() || (rows + parts[at].rows.rows() <= most_block_rows &&
                                                  bytes + bytes_of(parts[at]) <= 2 * buffer_bytes))) {
      rows += parts[at].rows.rows();
      bytes += bytes_of(parts[at]);
      some.push_back(std::move(parts[at++]));
    }
    SLUICE_ASSIGN(const auto whole, put_together(some));
    SLUICE_ASSIGN(auto block, write_rows(*file_, *layout_, whole));
    of.lists[which].add(std::move(block));
  }
  return {};
}

result<bool> partitions::spill_one() {
  auto* largest = std::max_element(all_.begin(), all_.end(), [](const auto& a, const auto& b) {
    return (a.spilled ? -1 : a.held_bytes[right]) < (b.spilled ? -1 : b.held_bytes[right]);
  });
  if (largest->spilled || largest->held[right].empty()) return false;
  largest->spilled = true;
  SLUICE_TRY(write(*largest, right));
  return true;
}

void partitions::spill_all() {
  for (auto& one : all_) one.spilled = true;
}

result<bool> partitions::relieve() {
  partition* largest = nullptr;
  side which = left;
  for (auto& one : all_)
    for (const auto of : {left, right})
      if (one.spilled && !one.held[of].empty() &&
          (largest == nullptr || one.held_bytes[of] > largest->held_bytes[which])) {
        largest = &one;
        which = of;
      }
  if (largest == nullptr) return false;
  SLUICE_TRY(write(*largest, which));
  return true;
}

status partitions::flush() {
  for (auto& one : all_)
    for (const auto which : {left, right})
      if (one.spilled) SLUICE_TRY(write(one, which));
  return {};
}

std::vector<keyed_rows> partitions::release_held() {
  std::vector<keyed_rows> released;
  for (auto& one : all_) {
    if (one.spilled) continue;
    for (auto& rows : one.held[right]) released.push_back(std::move(rows));
    one.held[right].clear();
    bytes_ -= std::exchange(one.held_bytes[right], 0);
  }
  return released;
}

std::int64_t partitions::index_bytes() const {
  std::int64_t rows = 0;
  for (const auto& one : all_)
    if (!one.spilled)
      for (const auto& held : one.held[right]) rows += held.rows.rows();
  return row_index::most_bytes(rows);
}

status partitions::each(side which, std::size_t columns, const std::function<status(const keyed_rows&)>& take) const {
  for (const auto& one : all_) {
    for (const auto& block : one.lists[which].blocks) {
      SLUICE_ASSIGN(const auto rows, read_rows(*file_, *layout_, block, columns));
      SLUICE_TRY(take(rows));
    }
    for (const auto& rows : one.held[which]) {
      const auto taken = take(rows);
      if (!taken.ok()) return taken;
    }
  }
  return {};
}

std::uint64_t partitions::rows(side which) const {
  std::int64_t rows = 0;
  for (const auto& one : all_) {
    rows += one.lists[which].rows;
    for (const auto& each : one.held[which]) rows += each.rows.rows();
  }
  return static_cast<std::uint64_t>(rows);
}

}  // namespace sluice::joins
