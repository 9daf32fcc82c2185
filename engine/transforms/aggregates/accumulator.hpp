#pragma once

#include "engine/error.hpp"
#include "engine/expression/expression.hpp"
#include "engine/transforms/arrivals.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sluice::aggregates {

/// Rows of one batch, as accumulators take them in.
struct grouped_rows {
  std::shared_ptr<arrow::Array> values = {};  ///< of the argument; null for count(*)
  const std::uint32_t* groups = nullptr;      ///< the group of each row
  std::int64_t rows = 0;
  std::size_t group_count = 0;  ///< groups so far, in this batch and before it
  std::uint32_t batch = 0;      ///< its number in the arrivals; rows are in the input's order
  const arrivals* order = nullptr;
};

/// The state of one aggregate call for all groups: plain arrays indexed by group. Results do not depend on the order in
/// which batches come.
class accumulator {
 public:
  virtual ~accumulator() = default;
  virtual status add(const grouped_rows& rows) = 0;
  /// Results of some groups, in this order. Groups that no row reached give null, or 0 for counts.
  virtual result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups) = 0;
  [[nodiscard]] virtual std::int64_t bytes() const = 0;
};

using accumulator_ptr = std::unique_ptr<accumulator>;

/// Makes the state of a call. What no accumulator exists for is refused with not_supported_yet.
result<accumulator_ptr> make_accumulator(const expression::aggregate_call& call);

// The families; each gives null where it has no accumulator for the argument's type.
accumulator_ptr make_count(bool star);
accumulator_ptr make_sum(bool average, const std::shared_ptr<arrow::DataType>& from,
                         const std::shared_ptr<arrow::DataType>& to);
enum class spread { stddev_sample, stddev_population, variance_sample, variance_population };
accumulator_ptr make_spread(spread what, const std::shared_ptr<arrow::DataType>& from,
                            const std::shared_ptr<arrow::DataType>& to);
accumulator_ptr make_extreme(bool greatest, const std::shared_ptr<arrow::DataType>& type);
/// first and last keep nulls, any_value is the first value that is not null.
enum class pick { first, last, any_value };
accumulator_ptr make_pick(pick what, const std::shared_ptr<arrow::DataType>& type);

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
