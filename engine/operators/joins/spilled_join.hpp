#pragma once

#include "engine/memory/manager.hpp"
#include "engine/operators/joins/joined_output.hpp"
#include "engine/operators/joins/partitions.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::joins {

/// Joins partitions that were spilled, one after the other. One whose right side has room in memory is joined there;
/// another is split by further bits of the hash; and where that does not help, because most of its rows have one key,
/// its right side is taken in chunks, each of which all of its left passes by.
class spilled_join {
 public:
  spilled_join(const join_plan& what, const key_layout& layout, memory::spill_file& file, matcher& match,
               joined_output& output, memory::reservation& memory)
      : what_(&what), layout_(&layout), file_(&file), matcher_(&match), output_(&output), memory_(&memory) {}

  /// Takes over the partitions of a level, whose buffers were flushed.
  void add(partitions& from, int level, std::int64_t right_rows);
  /// One piece of work; false when all partitions are joined.
  result<bool> step(emitter& out);

 private:
  struct task {
    spilled_list right, left;
    int level = 0;
    bool can_split = true;
  };
  enum class stage { choose, split_right, split_left, load, prepare, match, unmatched };

  result<bool> choose();
  status split(spilled_list& from, partitions::side which, stage next);
  status load();
  status match(emitter& out);
  status end_chunk(emitter& out);
  [[nodiscard]] std::size_t columns_of(partitions::side which) const;
  [[nodiscard]] std::int64_t needed(std::int64_t rows, std::int64_t bytes) const;

  const join_plan* what_;
  const key_layout* layout_;
  memory::spill_file* file_;
  matcher* matcher_;
  joined_output* output_;
  memory::reservation* memory_;

  std::vector<task> tasks_;
  task now_;
  stage stage_ = stage::choose;
  std::size_t block_ = 0;                 ///< next block to be split, or of the left to be matched
  std::unique_ptr<partitions> children_;  ///< of the task that is being split
  std::size_t right_block_ = 0;           ///< next block of the right to be loaded
  std::unique_ptr<build_side> chunk_;
  bool first_chunk_ = true;
  keyed_rows left_;
  bool matching_ = false;                        ///< left_ is half done
  std::vector<std::vector<left_state>> states_;  ///< of each block of the left
  std::size_t unmatched_block_ = 0;
};

}  // namespace sluice::joins
