#pragma once

#include "engine/operators/joins/spilled_rows.hpp"

#include <deque>
#include <functional>
#include <optional>

namespace sluice::joins {

/// Batches of the left that wait until the right has ended, in the order of arrival; what has no room in memory waits
/// in a spill file.
class waiting_rows {
 public:
  /// `columns`: how many columns of data there are.
  waiting_rows(const key_layout& layout, std::size_t columns) : layout_(&layout), columns_(columns) {}

  void add(keyed_rows rows);
  /// Takes the first batch; nothing where none waits. `file` is the one that spill was given, if it was called.
  result<std::optional<keyed_rows>> take(memory::spill_file* file);
  /// Moves all that is in memory into the file.
  status spill(memory::spill_file& file);

  /// What is in memory, in its order.
  [[nodiscard]] const std::deque<keyed_rows>& held() const { return held_; }
  [[nodiscard]] bool spilled() const { return early_at_ < early_.size(); }
  /// Calls `take` with all that waits, in its order; what is on disk is read for it. Blocks.
  status each(const memory::spill_file* file, const std::function<status(const keyed_rows&)>& take) const;
  /// How many rows those are.
  [[nodiscard]] std::uint64_t rows() const;
  /// Whether something is in memory.
  [[nodiscard]] bool holds_rows() const { return !held_.empty(); }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  const key_layout* layout_;
  std::size_t columns_;
  std::vector<memory::spilled_block> early_;  ///< before what is held
  std::size_t early_at_ = 0;
  std::deque<keyed_rows> held_;
  std::int64_t bytes_ = 0;  ///< of held_
};

}  // namespace sluice::joins
