#pragma once

#include "engine/operators/joins/spilled_rows.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace sluice::joins {

/// Rows of both sides of a join, spread by the hash of their keys over sixteen partitions, so that rows with equal keys
/// meet. A partition is held in memory until it is spilled; then its rows go through a small buffer to the file.
class partitions {
 public:
  static constexpr std::size_t count = 16;
  static constexpr int deepest = 8;  ///< levels: each takes the next four bits of the hash
  enum side : std::size_t { left, right };

  struct partition {
    std::array<std::vector<keyed_rows>, 2> held;
    std::array<std::int64_t, 2> held_bytes = {};
    std::array<spilled_list, 2> lists;
    bool spilled = false;
  };

  partitions(const key_layout& layout, memory::spill_file& file, int level)
      : layout_(&layout), file_(&file), level_(level) {}

  /// Spreads rows.
  status add(side which, const keyed_rows& rows);
  /// Splits a batch of the left into rows of partitions that are spilled, which it takes, and the others, which it
  /// gives back. Rows with a null in their key stay with the others.
  result<keyed_rows> add_spilled(keyed_rows rows);
  /// Writes something of what is held, the largest part first; false where there is nothing that can be.
  result<bool> relieve();
  /// Spills a partition that is held; false where none is.
  result<bool> spill_one();
  void spill_all();
  /// Writes all buffers of spilled partitions.
  status flush();
  /// The rows of the right that are held, which it lets go of.
  std::vector<keyed_rows> release_held();

  /// Calls `take` with all rows of a side, partition by partition; what is on disk is read for it, `columns` of data.
  /// Blocks.
  status each(side which, std::size_t columns, const std::function<status(const keyed_rows&)>& take) const;
  /// How many rows those are.
  [[nodiscard]] std::uint64_t rows(side which) const;

  /// What an index over the rows of the right that are held takes.
  [[nodiscard]] std::int64_t index_bytes() const;
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] std::array<partition, count>& all() { return all_; }

 private:
  [[nodiscard]] std::vector<std::uint8_t> numbers_of(const key_rows& keys) const;
  status hold(partition& to, side which, keyed_rows rows);
  status write(partition& of, side which);

  const key_layout* layout_;
  memory::spill_file* file_;
  int level_;
  std::array<partition, count> all_;
  std::int64_t bytes_ = 0;  ///< of all that is held
};

}  // namespace sluice::joins
