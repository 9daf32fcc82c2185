#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/aggregates/exact_sum.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>

#include <cmath>
#include <limits>
#include <vector>

namespace sluice::aggregates {

namespace {

// Beyond it squares and their sums could leave the range of doubles.
constexpr double greatest_value = 0x1p450;

// Variance and standard deviation of doubles (others are cast first) from exact sums of x and of x squared:
// (n * sum(x^2) - sum(x)^2) / (n * (n - 1)). A square is exact as the sum of its rounding and the rest that fma gives,
// the difference is taken on exact numbers too, so nothing cancels: the error of a variance is at most 2 units in the
// last place, and squares below 2^-1022 lose what lies below 2^-1074.
class spreads final : public accumulator {
 public:
  status add(const grouped_rows& in) override {
    counts_.resize(in.group_count);
    beyond_.resize(in.group_count);
    sums_.resize(in.group_count);
    squares_.resize(in.group_count);
    SLUICE_ASSIGN_ARROW(const auto cast, arrow::compute::Cast(*in.values, arrow::float64()), "cast to double");
    const auto& values = static_cast<const arrow::DoubleArray&>(*cast);
    values_.clear();
    high_.clear();
    low_.clear();
    groups_.clear();
    const auto* bitmap = values.null_count() == 0 ? nullptr : values.null_bitmap_data();
    for_each_valid(bitmap, values.offset(), in.rows, [&](std::int64_t row) {
      const auto value = values.Value(row);
      const auto group = in.groups[row];
      ++counts_[group];
      if (!(std::abs(value) <= greatest_value)) {
        beyond_[group] |= std::isfinite(value) ? is_large : is_special;
        return;
      }
      values_.push_back(value);
      high_.push_back(value * value);
      low_.push_back(std::fma(value, value, -high_.back()));
      groups_.push_back(group);
    });
    const auto rows = static_cast<std::int64_t>(values_.size());
    sums_.add(values_.data(), groups_.data(), rows);
    squares_.add(high_.data(), groups_.data(), rows);
    squares_.add(low_.data(), groups_.data(), rows);
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) override {
    arrow::DoubleBuilder builder;
    SLUICE_TRY_ARROW(builder.Reserve(static_cast<std::int64_t>(groups.size())), "read variances");
    const bool sample = !as.function.ends_with("_pop");
    const bool root = as.function.starts_with("stddev");
    for (std::size_t row = 0; row < groups.size(); ++row) {
      const auto group = groups[row];
      const auto count = counts_[group];
      if (count < (sample ? 2 : 1)) {
        builder.UnsafeAppendNull();
        continue;
      }
      if (beyond_[group] & is_special) {
        builder.UnsafeAppend(std::numeric_limits<double>::quiet_NaN());
        continue;
      }
      if (beyond_[group] & is_large) {
        errors.push_back({.row = static_cast<std::int64_t>(row),
                          .code = "numeric_overflow",
                          .column = {},
                          .message = "the variance of values above 1e135 does not fit into double; divide the values "
                                     "first: stddev(x / 1e100)"});
        builder.UnsafeAppendNull();
        continue;
      }
      const auto value = variance(group, count, sample);
      builder.UnsafeAppend(root ? std::sqrt(value) : value);
    }
    SLUICE_ASSIGN_ARROW(auto array, builder.Finish(), "read variances");
    return array;
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return sums_.bytes() + squares_.bytes() + static_cast<std::int64_t>(counts_.capacity() * 9) +
           static_cast<std::int64_t>(values_.capacity() * 28);
  }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(save_values(counts_, groups, to));
    SLUICE_TRY(save_values(beyond_, groups, to));
    SLUICE_TRY(sums_.save(groups, to));
    return squares_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_TRY(load_values(from, to, counts_));
    SLUICE_TRY(load_values(from, to, beyond_));
    SLUICE_TRY(sums_.load(from, to));
    return squares_.load(from, to);
  }

 private:
  static constexpr std::uint8_t is_special = 1;
  static constexpr std::uint8_t is_large = 2;

  [[nodiscard]] double variance(std::uint32_t group, std::int64_t count, bool sample) const {
    const auto n = static_cast<double>(count);
    const auto sum = sums_.number(group).parts();
    exact_number difference;
    for (const auto part : squares_.number(group).parts()) difference.add_product(n, part);
    for (const auto a : sum)
      for (const auto b : sum) difference.add_product(-a, b);
    return difference.value() / (n * (sample ? n - 1 : n));
  }

  exact_sums sums_, squares_;
  std::vector<std::int64_t> counts_;
  std::vector<std::uint8_t> beyond_;
  std::vector<double> values_, high_, low_;  // of the batch
  std::vector<std::uint32_t> groups_;
};

bool is_number(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) || arrow::is_decimal(type.id());
}

}  // namespace

accumulator_ptr make_spread(const std::shared_ptr<arrow::DataType>& from) {
  if (!is_number(*from)) return nullptr;
  return std::make_unique<spreads>();
}

}  // namespace sluice::aggregates
