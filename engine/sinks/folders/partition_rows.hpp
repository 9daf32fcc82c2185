#pragma once

#include "engine/memory/spill_file.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace sluice::folders {

/// Gathers the rows of an epoch by partition, so that each file is written in one go and few are open at once however
/// many partitions there are.
///
/// Rows stay in memory up to a bound. Beyond it, partitions that have many rows are given to `give` at once, as
/// `early` says; the others are sorted by partition into a run in a spill file, and the runs are merged at the
/// end. Rows of a partition keep their order.
class partition_rows {
 public:
  /// Takes the next rows of a partition. Large partitions come several times before `take_all`.
  using taker = std::function<status(std::uint32_t partition, const batch& rows)>;

  /// Which partitions are given before the end: those that have so many rows in memory, and so many partitions. `held`:
  /// bytes of rows in memory, at most.
  struct early {
    std::uint32_t rows = 0;
    std::uint32_t partitions = 0;
    std::int64_t held = 0;
  };

  /// `schema`: of the rows that are added.
  partition_rows(const run_context& of, const std::string& unit, std::shared_ptr<arrow::Schema> schema, early what,
                 taker give);

  /// Adds rows; `partitions` has the number of each one's.
  status add(const batch& rows, const std::uint32_t* partitions);
  /// Gives all rows that are left, those of one partition after the other, and forgets them.
  status take_all();
  void drop() noexcept;

 private:
  using runs = std::vector<std::deque<memory::spilled_block>>;
  struct held_rows {
    batch rows;
    std::vector<std::uint32_t> partitions;
  };
  class run_writer;
  class run_reader;

  /// Gives the rows in memory, sorted by partition, in pieces of about `piece_bytes` to `use`.
  status sorted(const std::function<status(const batch& rows, std::span<const std::uint32_t> partitions)>& use);
  /// All rows in memory, each at its place.
  result<batch> scattered(const std::vector<std::vector<std::uint32_t>>& places);
  status spill();
  /// Merges all runs into one, so that few have to be read at once.
  status combine_runs();
  status merge(const taker& to);
  [[nodiscard]] std::vector<std::uint32_t> counts() const;
  void choose_large(const std::vector<std::uint32_t>& rows);

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> spilled_schema_;  ///< the number of the partition last
  early early_;
  taker give_;
  memory::spill_file file_;
  memory::reservation memory_;
  std::int64_t least_, most_;  ///< bytes in memory before it spills
  std::int64_t piece_bytes_;
  std::vector<held_rows> held_;
  std::int64_t held_bytes_ = 0;
  std::int64_t held_count_ = 0;
  std::uint32_t partitions_ = 0;     ///< the greatest number and 1
  std::vector<std::uint8_t> large_;  ///< by partition: its rows are given at once
  std::vector<std::uint8_t> spilt_;  ///< by partition: rows of it are in a run
  std::uint32_t large_count_ = 0;
  runs runs_;
};

}  // namespace sluice::folders
