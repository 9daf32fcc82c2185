#pragma once

#include "engine/error/row_errors.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/validation/rules.hpp"
#include "engine/values/batch.hpp"

#include <memory>

namespace sluice::validation {

/// The keys of a rule `unique` that have come.
class unique_values {
 public:
  unique_values(const rule& of, std::shared_ptr<arrow::Schema> schema) : of_(&of), schema_(std::move(schema)) {}

  [[nodiscard]] const rule& of() const { return *of_; }
  /// Appends the rows whose key has come before: the first row of a key is right. Nulls are never equal, as in a unique
  /// constraint.
  status check(const batch& in, row_errors& broken);

  [[nodiscard]] std::int64_t bytes() const { return index_ ? index_->bytes() : 0; }
  /// All keys as columns, for the unit's state, and back; null where there are none.
  result<std::shared_ptr<arrow::RecordBatch>> values() const;
  status restore(const arrow::RecordBatch& values);

 private:
  status prepare();

  const rule* of_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<group_index> index_;
};

}  // namespace sluice::validation
