#pragma once

#include "engine/memory/spill_file.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// Rows for whose keys an operator has no memory, on disk in partitions by the
/// hash of the key, so that each can be worked off by itself. While one is
/// read, rows that do not fit again are added and become partitions of it, by
/// the next bits of the hash. Rows of a partition come back in the order in
/// which they were added.
class partitioned_spill {
 public:
  partitioned_spill(const run_context& of, const std::string& unit);

  /// Adds rows, with the hash of each one's key. They share a schema.
  status add(const batch& rows, std::span<const std::uint64_t> hashes);
  /// Calls `take` with the rows that were added, part by part, as they were added within a partition, and keeps them.
  /// Only before the first `close`.
  status each(const std::function<status(const batch&)>& take) const;
  /// How many those are.
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  /// Writes what is buffered: what was added since the last call becomes
  /// partitions.
  status close();
  /// Begins with the next partition; false where all were read.
  bool next_partition();
  /// The next rows of the partition; nothing at its end.
  result<std::optional<batch>> next_block();

 private:
  static constexpr std::size_t fan_out = 16;
  using blocks = std::deque<memory::spilled_block>;
  struct partition {
    blocks rows;
    int depth = 0;  ///< how often its rows were spread
  };
  status write_buffered();

  memory::spill_file file_;
  memory::reservation memory_;
  std::int64_t most_buffered_;
  std::array<std::vector<batch>, fan_out> buffered_;
  std::int64_t buffered_bytes_ = 0;
  std::array<blocks, fan_out> written_;
  std::vector<partition> waiting_;  ///< the last is next, so that few are open
  partition present_;
  int depth_ = 0;  ///< of the rows that are added now
  std::uint64_t rows_ = 0;
};

}  // namespace sluice
