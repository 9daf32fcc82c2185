#pragma once

#include "engine/component/component.hpp"
#include "engine/component/state.hpp"
#include "engine/memory/manager.hpp"
#include "engine/values/batch.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// Finds the rows of a unit's input that the rows inside `steps` come from, so that a reject holds the record as it
/// entered the unit. While rows are inside, their positions are numbers of entered rows (batch, row); on their way out
/// they get their own positions back.
class entered_rows {
 public:
  enum class keep {
    nothing,    ///< rows leave in the call that brings them in
    positions,  ///< rows may stay, but none is rejected after that
    records,    ///< rows may stay and be rejected later
  };
  entered_rows(keep what, std::shared_ptr<memory::manager> memory, std::string unit)
      : what_(what), memory_(std::move(memory), std::move(unit)) {}

  /// True where rows stay inside between calls.
  [[nodiscard]] bool stay() const { return what_ != keep::nothing; }
  /// What is kept, for a checkpoint: the first parts of a unit's state.
  [[nodiscard]] result<std::vector<state_part>> state() const;
  /// Takes such a part back; false where it is none.
  result<bool> take_in(const state_part& part);
  /// Another instance's parts follow: its rows are numbered from here on.
  void begin_to_take() { taken_from_ = static_cast<std::uint32_t>(entered_.size()); }
  /// A part of a step's state with its rows numbered as they are here.
  [[nodiscard]] result<state_part> renumbered(state_part part) const;
  /// Notes a batch; gives it back with row numbers for positions.
  result<batch> enter(const batch& in);
  /// Gives rows their own positions back.
  [[nodiscard]] batch leave(batch rows) const;
  /// Sends rows of a step's batch to the rejects as they entered the unit. Rows that a step made (an aggregate) go as
  /// they are.
  void reject(const batch& in, const row_errors& why, emitter& out) const;

 private:
  keep what_;
  memory::reservation memory_;
  batch present_;                 ///< the newest batch
  std::uint32_t taken_from_ = 0;  ///< where the rows of the state begin that is being taken back
  std::deque<batch> entered_;     ///< the present batch only, where nothing is kept; without data where positions are
  std::int64_t bytes_ = 0;
  bool positions_ = false;                                ///< the input's rows have positions
  std::shared_ptr<arrow::FixedSizeBinaryArray> numbers_;  ///< 0, 1, 2, ... of the longest batch so far
};

}  // namespace sluice
