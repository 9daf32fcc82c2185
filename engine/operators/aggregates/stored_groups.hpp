#pragma once

#include "engine/component/spilled_state.hpp"
#include "engine/memory/spill_file.hpp"
#include "engine/operators/aggregates/group_pass.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::aggregates {

/// The groups of an aggregate below a source without end, once memory is short: their states are on disk, in
/// partitions by a hash of the key, and so are the rows that have come since the last barrier. At a barrier a partition
/// that has such rows is read, takes them in, gives the groups that have changed, and is written again. One that has
/// become too large for memory is divided by the next bits of the hash. Its calls block.
class stored_groups {
 public:
  stored_groups(const aggregation& what, const run_context& of, const std::string& unit);

  /// What is known of a group beside its state.
  struct facts {
    bool given = false;    ///< at a barrier before
    bool changed = false;  ///< since it was given
  };
  /// Takes over all groups of a pass; `about` is by their number.
  status take(group_pass& from, const std::vector<facts>& about);
  /// Takes rows, which wait for the next barrier.
  status add(const group_pass::evaluated_rows& rows);

  /// Begins to put waiting rows into their groups.
  void start();
  /// What `work` tells its owner.
  struct owner {
    /// Gives some groups of a pass; `again`: how many were given before.
    std::function<status(group_pass& from, std::span<const std::uint32_t> groups, std::uint64_t again)> give;
    /// Rows that joined a group.
    std::function<void(std::uint64_t)> merged;
  };
  /// One step of it; false where it is done.
  result<bool> work(const owner& of);

  /// Rows that wait, and groups that were never given.
  [[nodiscard]] std::uint64_t held() const { return waiting_ + fresh_; }
  /// As those of spilled_state.
  status hand_out(key_groups of, const spilled_state::part_taker& take);
  status take_in(const state_part& part);

 private:
  /// A batch on disk. When much was written, another file is begun: none grows without end.
  struct block {
    std::shared_ptr<memory::spill_file> file;
    memory::spilled_block where;
  };
  /// States of some groups.
  struct some_groups {
    block groups;  ///< with their facts as the last column
    std::vector<std::shared_ptr<block>> distinct;
  };
  struct partition {
    int depth = 1;  ///< how many times four bits of the hash are alike
    std::deque<some_groups> groups = {};
    std::deque<block> rows = {};
    std::vector<batch> buffered = {};  ///< rows that are not on disk yet
    bool changed = false;              ///< it has groups that have changed

    [[nodiscard]] bool due() const { return changed || !rows.empty() || !buffered.empty(); }
  };
  /// The partition that is worked on.
  struct open_partition {
    std::uint64_t begin = 0;
    partition what;
    std::unique_ptr<group_pass> pass;
    std::vector<facts> about;
    bool taken_in = false;               ///< all rows are in their groups
    std::vector<std::uint32_t> changed;  ///< to be given
    std::size_t given = 0;
  };

  result<block> write(const batch& rows);
  static result<batch> read(const block& what) { return what.file->read(what.where); }
  static void drop(const block& what) { what.file->drop(what.where); }
  static void drop(const some_groups& what);
  result<std::vector<std::uint64_t>> hashes_of(const arrow::ArrayVector& keys, std::int64_t count) const;
  [[nodiscard]] arrow::ArrayVector keys_of(const arrow::RecordBatch& rows) const;
  std::map<std::uint64_t, partition>::iterator find(std::uint64_t hash) { return --partitions_.upper_bound(hash); }
  status add_rows(const batch& rows);
  status write_buffered();
  status put(group_pass& from, const std::vector<facts>& about);
  status load(const some_groups& from, group_pass& to, std::vector<facts>& about) const;
  result<group_pass::saved> saved_of(const some_groups& from, std::vector<facts>& about) const;

  status open_next();
  status take_rows_in(const batch& rows, const owner& of);
  status keep_within_memory();
  status divide();
  result<bool> give_some(const owner& of);
  status close_open();

  const aggregation& what_;
  const run_context& context_;
  std::string unit_;
  std::shared_ptr<memory::spill_file> file_;
  memory::reservation buffers_, memory_;
  std::int64_t buffered_bytes_ = 0;
  std::map<std::uint64_t, partition> partitions_;  ///< by the least hash of each
  std::vector<std::uint64_t> due_;                 ///< partitions that are to be worked on
  std::unique_ptr<open_partition> open_;
  std::uint64_t waiting_ = 0;
  std::uint64_t fresh_ = 0;
  std::vector<std::shared_ptr<arrow::RecordBatch>> distinct_taken_;  ///< of the groups that come next
};

}  // namespace sluice::aggregates
