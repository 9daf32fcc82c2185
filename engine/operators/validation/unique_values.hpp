#pragma once

#include "engine/error/row_errors.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/validation/rules.hpp"
#include "engine/operators/validation/spilled_values.hpp"
#include "engine/values/batch.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace sluice::validation {

/// The keys of a rule `unique` that have come; those for which there is no memory are on disk.
class unique_values {
 public:
  unique_values(const rule& of, std::shared_ptr<arrow::Schema> schema) : of_(&of), schema_(std::move(schema)) {}

  [[nodiscard]] const rule& of() const { return *of_; }
  /// Appends the rows whose key has come before: the first row of a key is right. Nulls are never equal, as in a unique
  /// constraint. Where keys were spilled, `look_up` must have been given the batch before.
  status check(const batch& in, row_errors& broken);

  /// Looks up the keys of batches that are checked next, in this order. Reads all that was spilled; nothing may be
  /// spilled until they are checked.
  status look_up(const std::deque<batch>& next, const memory::spill_file& file);

  [[nodiscard]] std::int64_t bytes() const { return index_ ? index_->bytes() : 0; }
  /// Moves the keys in memory to disk.
  status spill(memory::spill_file& file) { return spilled_.add(index_, file); }
  [[nodiscard]] bool has_spilled() const { return spilled_.any(); }
  /// Those in memory as columns, for the unit's state, and back; null where there are none.
  result<std::shared_ptr<arrow::RecordBatch>> values() const { return values_of(index_.get()); }
  status restore(const arrow::RecordBatch& values);
  /// Those on disk.
  [[nodiscard]] spilled_values& spilled() { return spilled_; }
  [[nodiscard]] const spilled_values& spilled() const { return spilled_; }

 private:
  status prepare();
  result<std::vector<std::shared_ptr<arrow::Array>>> keys_of(const batch& in) const;

  const rule* of_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<group_index> index_;
  spilled_values spilled_;
  value_hasher hasher_;
  std::deque<std::vector<std::int32_t>> on_disk_;  ///< rows of the batches that were looked up whose key is there
};

}  // namespace sluice::validation
