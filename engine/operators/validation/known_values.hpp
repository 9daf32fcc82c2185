#pragma once

#include "engine/memory/manager.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/validation/rules.hpp"

#include <memory>

namespace sluice::validation {

/// The values of a column of another unit that a rule `references`.
class known_values {
 public:
  explicit known_values(const reference& of) : of_(of) {}

  /// Adds those of a batch of that unit.
  status add(const batch& in);
  /// Appends the rows whose value is not among them; null passes.
  status check(const batch& in, const std::string& rule, row_errors& broken);

  [[nodiscard]] std::int64_t bytes() const { return index_ ? index_->bytes() : 0; }
  /// All of them as a column, for the unit's state, and back. Nothing where there are none.
  result<std::shared_ptr<arrow::RecordBatch>> values() const;
  status restore(const arrow::RecordBatch& values);

 private:
  status prepare();
  result<std::vector<std::shared_ptr<arrow::Array>>> keys_of(const batch& in, int column) const;

  const reference& of_;
  std::unique_ptr<group_index> index_;
};

}  // namespace sluice::validation
