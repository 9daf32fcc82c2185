#pragma once

#include "engine/memory/manager.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/validation/rules.hpp"
#include "engine/operators/validation/spilled_values.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <span>

namespace sluice::validation {

/// The values of a column of another unit that a rule `references`; those for which there is no memory are on disk.
class known_values {
 public:
  explicit known_values(const reference& of) : of_(of) {}

  /// Adds those of a batch of that unit.
  status add(const batch& in);
  /// Appends the rows whose value is not among them; null passes. Where values were spilled, `look_up` must have been
  /// given the batch before.
  status check(const batch& in, const std::string& rule, row_errors& broken);
  /// Looks up the values of batches that are checked next, in this order. Reads all that was spilled.
  status look_up(const std::deque<batch>& next, const memory::spill_file& file);

  [[nodiscard]] std::int64_t bytes() const { return index_ ? index_->bytes() : 0; }
  /// Bytes that so many new values would take beside those that are there.
  [[nodiscard]] std::int64_t growth(std::int64_t rows) const { return index_ ? index_->growth(rows) : 0; }
  /// Moves those in memory to disk.
  status spill(memory::spill_file& file) { return spilled_.add(index_, file); }
  [[nodiscard]] bool has_spilled() const { return spilled_.any(); }

  /// Those in memory as a column, for the unit's state, and back. Nothing where there are none.
  result<std::shared_ptr<arrow::RecordBatch>> values() const { return values_of(index_.get()); }
  status restore(const arrow::RecordBatch& values);
  /// Those on disk.
  [[nodiscard]] spilled_values& spilled() { return spilled_; }
  [[nodiscard]] const spilled_values& spilled() const { return spilled_; }

 private:
  status prepare();
  result<std::vector<std::shared_ptr<arrow::Array>>> keys_of(const batch& in, int column) const;

  const reference& of_;
  std::unique_ptr<group_index> index_;
  spilled_values spilled_;
  value_hasher hasher_;
  std::deque<std::vector<std::int32_t>> unknown_;  ///< rows of the batches that were looked up
};

}  // namespace sluice::validation
