#pragma once

#include "engine/error/error.hpp"
#include "engine/error/row_errors.hpp"
#include "engine/expression/expression.hpp"
#include "engine/operators/arrivals.hpp"
#include "engine/operators/held_state.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::aggregates {

/// Rows of one batch, as accumulators take them in.
struct grouped_rows {
  std::shared_ptr<arrow::Array> values = {};  ///< of the argument; null for count(*)
  const std::uint32_t* groups = nullptr;      ///< the group of each row
  std::int64_t rows = 0;
  std::size_t group_count = 0;  ///< groups so far, in this batch and before it
  std::uint32_t batch = 0;      ///< its number in the arrivals; rows are in the input's order
  const arrivals* order = nullptr;
  const std::vector<std::int64_t>* row_counts =
      nullptr;                    ///< rows of each group so far, these included; stays where it is
  arrivals* add_place = nullptr;  ///< `load` only: the arrivals, for batches of the state's own
};

/// Saved columns that are read one after the other.
class saved_columns {
 public:
  explicit saved_columns(arrow::ArrayVector columns) : columns_(std::move(columns)) {}
  /// The next one; the error is foreign_state.
  result<std::shared_ptr<arrow::Array>> next();

 private:
  arrow::ArrayVector columns_;
  std::size_t at_ = 0;
};

/// The state of one aggregate call for all groups: plain arrays indexed by group. Results do not depend on the order in
/// which batches come.
class accumulator {
 public:
  virtual ~accumulator() = default;
  virtual status add(const grouped_rows& rows) = 0;
  /// Results of some groups, in this order, for a call of the family that it was made for. Groups that no row reached
  /// give null, or 0 for counts. A result that does not fit its type is null, and an error of that row.
  virtual result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                                       const expression::aggregate_call& as, row_errors& errors) = 0;
  [[nodiscard]] virtual std::int64_t bytes() const = 0;
  /// Appends what is held of some groups as columns of the state's own.
  virtual status save(std::span<const std::uint32_t> groups, const arrivals& order, arrow::ArrayVector& to) = 0;
  /// Takes it back as what is held of `to.groups`, which hold nothing yet.
  virtual status load(saved_columns& from, const grouped_rows& to) = 0;
};

using accumulator_ptr = std::unique_ptr<accumulator>;

/// Names the state that a function needs: sum and avg read the same one, so do variances and standard deviations.
std::string family_of(const std::string& function);
/// Makes the state of a call. What no accumulator exists for is refused with not_supported_yet.
result<accumulator_ptr> make_accumulator(const expression::aggregate_call& call);

// The families; each gives null where it has no accumulator for the argument's type.
accumulator_ptr make_count(bool star);
accumulator_ptr make_approximate_count();
accumulator_ptr make_sum(const std::shared_ptr<arrow::DataType>& from);
accumulator_ptr make_wide_sum(const std::shared_ptr<arrow::DataType>& from);  ///< of decimals beyond 38 digits
accumulator_ptr make_spread(const std::shared_ptr<arrow::DataType>& from);
accumulator_ptr make_extreme(bool greatest, const std::shared_ptr<arrow::DataType>& type);
/// Nulls are passed over.
enum class pick { first, last };
accumulator_ptr make_pick(pick what, const std::shared_ptr<arrow::DataType>& type);

/// One value a group, as most states hold them.
template <class Value>
status save_values(const std::vector<Value>& values, std::span<const std::uint32_t> groups, arrow::ArrayVector& to) {
  SLUICE_ASSIGN(auto column, held::column_of(values, groups));
  to.push_back(std::move(column));
  return {};
}
template <class Value>
status load_values(saved_columns& from, const grouped_rows& to, std::vector<Value>& values) {
  SLUICE_ASSIGN(const auto column, from.next());
  return held::put_back(column, {to.groups, static_cast<std::size_t>(to.rows)}, to.group_count, values);
}

/// Counts the rows of each group whose value is not null, as a difference: most columns have no nulls.
class value_counts {
 public:
  void add(const grouped_rows& in);
  [[nodiscard]] std::int64_t operator[](std::uint32_t group) const {
    return (*rows_)[group] - (group < nulls_.size() ? nulls_[group] : 0);
  }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(nulls_.capacity() * 8); }
  status save(std::span<const std::uint32_t> groups, arrow::ArrayVector& to) const {
    return save_values(nulls_, groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) {
    rows_ = to.row_counts;
    return load_values(from, to, nulls_);
  }

 private:
  const std::vector<std::int64_t>* rows_ = nullptr;
  std::vector<std::int64_t> nulls_;
};

/// Reads a value of a buffer: 128-bit numbers of foreign buffers (Arrow IPC aligns them to 8 bytes) may lie where the
/// compiler does not expect them.
template <class Value>
Value value_at(const std::uint8_t* values, std::int64_t row) {
  Value value;
  std::memcpy(static_cast<void*>(&value), values + row * static_cast<std::int64_t>(sizeof(Value)), sizeof(Value));
  return value;
}

/// Calls fn(row) for every row that is not null.
template <class Function>
void for_each_valid(const std::uint8_t* bitmap, std::int64_t offset, std::int64_t rows, Function&& fn) {
  if (bitmap == nullptr) {
    for (std::int64_t row = 0; row < rows; ++row) fn(row);
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto bit = row + offset;
    if ((bitmap[bit / 8] >> (bit % 8)) & 1) fn(row);
  }
}

}  // namespace sluice::aggregates
