#pragma once

#include "engine/memory/spill_file.hpp"
#include "engine/operators/joins/joined_keys.hpp"

#include <cstdint>
#include <vector>

namespace sluice::joins {

/// Blocks of one side of one partition in the spill file.
struct spilled_list {
  std::vector<memory::spilled_block> blocks;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  ///< in memory, when they are read back

  void add(memory::spilled_block block) {
    rows += block.rows;
    bytes += block.memory_bytes;
    blocks.push_back(std::move(block));
  }
};

/// Rows with their keys (and numbers) as further columns, and back. `columns`: how many columns of data there are.
result<batch> with_key_columns(const key_layout& layout, const keyed_rows& rows);
result<keyed_rows> without_key_columns(const key_layout& layout, batch rows, std::size_t columns);

/// Writes rows with their keys (and numbers) as further columns, and reads them back.
result<memory::spilled_block> write_rows(memory::spill_file& file, const key_layout& layout, const keyed_rows& rows);
/// `columns`: how many columns of data there are.
result<keyed_rows> read_rows(const memory::spill_file& file, const key_layout& layout,
                             const memory::spilled_block& where, std::size_t columns);

/// Puts rows together; at least one batch. Where only some have numbers, that of the others is 0.
result<keyed_rows> put_together(const std::vector<keyed_rows>& parts);
/// Some of the rows, in this order.
keyed_rows take_keyed(const keyed_rows& from, const std::vector<std::int32_t>& rows);
/// Bytes that they hold.
std::int64_t bytes_of(const keyed_rows& rows);

}  // namespace sluice::joins
