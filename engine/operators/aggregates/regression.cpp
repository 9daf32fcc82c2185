// corr, covar_..., regr_...: exact sums of x, y and their products over the rows where both are there.
#include "engine/operators/aggregates/collected.hpp"
#include "engine/operators/aggregates/exact_sum.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace sluice::aggregates {

namespace {

// Beyond it products and their sums could leave the range of doubles.
constexpr double greatest_value = 0x1p450;

class regression final : public accumulator {
 public:
  status add(const grouped_rows& in) override {
    counts_.resize(in.group_count);
    beyond_.resize(in.group_count);
    for (auto& each : sums_) each.resize(in.group_count);
    const auto& rows = static_cast<const arrow::StructArray&>(*in.values);
    const auto first = rows.field(0), second = rows.field(1);
    const auto& y = static_cast<const arrow::DoubleArray&>(*first);
    const auto& x = static_cast<const arrow::DoubleArray&>(*second);
    for (auto& each : terms_) each.clear();
    groups_.clear();
    for (std::int64_t row = 0; row < in.rows; ++row) {
      if (rows.IsNull(row) || x.IsNull(row) || y.IsNull(row)) continue;
      const auto group = in.groups[row];
      const double a = x.Value(row), b = y.Value(row);
      ++counts_[group];
      if (!(std::abs(a) <= greatest_value && std::abs(b) <= greatest_value)) {
        beyond_[group] |= std::isfinite(a) && std::isfinite(b) ? is_large : is_special;
        continue;
      }
      groups_.push_back(group);
      // A product is exact as its rounding and the rest that fma gives.
      const double xx = a * a, yy = b * b, xy = a * b;
      const double values[] = {a, b, xx, std::fma(a, a, -xx), yy, std::fma(b, b, -yy), xy, std::fma(a, b, -xy)};
      for (std::size_t i = 0; i < terms_.size(); ++i) terms_[i].push_back(values[i]);
    }
    const auto count = std::ssize(groups_);
    static constexpr std::size_t sum_of[] = {0, 1, 2, 2, 3, 3, 4, 4};
    for (std::size_t i = 0; i < terms_.size(); ++i) sums_[sum_of[i]].add(terms_[i].data(), groups_.data(), count);
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) override {
    const auto& name = as.function;
    if (name == "regr_count") {
      arrow::Int64Builder builder;
      for (const auto group : groups) SLUICE_TRY_ARROW(builder.Append(count_of(group)), "read a regression");
      SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), "read a regression");
      return made;
    }
    arrow::DoubleBuilder builder;
    SLUICE_TRY_ARROW(builder.Reserve(std::ssize(groups)), "read a regression");
    for (std::size_t row = 0; row < groups.size(); ++row) {
      const auto group = groups[row];
      double value = 0;
      const auto count = count_of(group);
      if (count == 0 || (count == 1 && name == "covar_samp")) {
        builder.UnsafeAppendNull();
      } else if (beyond_[group] & is_special) {
        builder.UnsafeAppend(std::numeric_limits<double>::quiet_NaN());
      } else if (beyond_[group] & is_large) {
        errors.push_back(
            {.row = static_cast<std::int64_t>(row),
             .code = "numeric_overflow",
             .column = {},
             .message = name + " of values above 1e135 does not fit into double; divide the values first"});
        builder.UnsafeAppendNull();
      } else if (read(name, group, value)) {
        builder.UnsafeAppend(value);
      } else {
        builder.UnsafeAppendNull();
      }
    }
    SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), "read a regression");
    return made;
  }

  [[nodiscard]] std::int64_t bytes() const override {
    auto all = static_cast<std::int64_t>(counts_.capacity() * 9 + groups_.capacity() * 68);
    for (const auto& each : sums_) all += each.bytes();
    return all;
  }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(save_values(counts_, groups, to));
    SLUICE_TRY(save_values(beyond_, groups, to));
    for (const auto& each : sums_) SLUICE_TRY(each.save(groups, to));
    return {};
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_TRY(load_values(from, to, counts_));
    SLUICE_TRY(load_values(from, to, beyond_));
    for (auto& each : sums_) SLUICE_TRY(each.load(from, to));
    return {};
  }

 private:
  static constexpr std::uint8_t is_special = 1;
  static constexpr std::uint8_t is_large = 2;
  enum sum { sum_x, sum_y, sum_xx, sum_yy, sum_xy };

  [[nodiscard]] std::int64_t count_of(std::uint32_t group) const { return group < counts_.size() ? counts_[group] : 0; }

  // sum(ab) - sum(a) * sum(b) / n, exactly up to the division: n times it is n * sum(ab) - sum(a) * sum(b).
  [[nodiscard]] double deviation(std::uint32_t group, sum product, sum a, sum b) const {
    const auto n = static_cast<double>(counts_[group]);
    exact_number difference;
    for (const auto part : sums_[product].number(group).parts()) difference.add_product(n, part);
    const auto left = sums_[a].number(group).parts(), right = sums_[b].number(group).parts();
    for (const auto one : left)
      for (const auto other : right) difference.add_product(-one, other);
    return difference.value() / n;
  }

  // False where the result is null.
  bool read(const std::string& name, std::uint32_t group, double& out) const {
    const auto n = static_cast<double>(counts_[group]);
    if (name == "regr_avgx") return out = sums_[sum_x].value(group) / n, true;
    if (name == "regr_avgy") return out = sums_[sum_y].value(group) / n, true;
    const double sxx = deviation(group, sum_xx, sum_x, sum_x), syy = deviation(group, sum_yy, sum_y, sum_y),
                 sxy = deviation(group, sum_xy, sum_x, sum_y);
    if (name == "regr_sxx") return out = sxx, true;
    if (name == "regr_syy") return out = syy, true;
    if (name == "regr_sxy") return out = sxy, true;
    if (name == "covar_pop") return out = sxy / n, true;
    if (name == "covar_samp") return out = sxy / (n - 1), true;
    if (sxx == 0 || (syy == 0 && name == "corr")) return false;
    if (name == "corr") return out = sxy / std::sqrt(sxx) / std::sqrt(syy), true;
    if (name == "regr_slope") return out = sxy / sxx, true;
    if (name == "regr_r2") return out = syy == 0 ? 1.0 : (sxy / sxx) * (sxy / syy), true;
    return out = (sums_[sum_y].value(group) - sums_[sum_x].value(group) * (sxy / sxx)) / n, true;  // regr_intercept
  }

  std::array<exact_sums, 5> sums_;
  std::vector<std::int64_t> counts_;
  std::vector<std::uint8_t> beyond_;
  std::array<std::vector<double>, 8> terms_;  // of the batch
  std::vector<std::uint32_t> groups_;
};

// bit_and, bit_or and bit_xor of integers.
class bits final : public accumulator {
 public:
  explicit bits(const std::string& function) : start_(function == "bit_and" ? -1 : 0), what_(function[4]) {}

  status add(const grouped_rows& in) override {
    has_.resize(in.group_count);
    values_.resize(in.group_count, start_);
    const auto column = static_cast<const arrow::StructArray&>(*in.values).field(0);
    for (std::int64_t row = 0; row < in.rows; ++row) {
      if (column->IsNull(row)) continue;
      const auto group = in.groups[row];
      const auto value = integer_at(*column, row);
      auto& held = values_[group];
      held = what_ == 'a' ? held & value : what_ == 'o' ? held | value : held ^ value;
      has_[group] = 1;
    }
    return {};
  }
  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors&) override {
    const auto width = static_cast<const arrow::FixedWidthType&>(*as.type).bit_width() / 8;
    const auto count = std::ssize(groups);
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> out, arrow::AllocateBuffer(count * width), "read bits");
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> valid, arrow::AllocateEmptyBitmap(count), "read bits");
    for (std::int64_t row = 0; row < count; ++row) {
      const auto group = groups[static_cast<std::size_t>(row)];
      const auto value = group < values_.size() ? values_[group] : 0;
      std::memcpy(out->mutable_data() + row * width, &value, static_cast<std::size_t>(width));
      if (group < has_.size() && has_[group] != 0)
        valid->mutable_data()[row / 8] |= static_cast<std::uint8_t>(1U << (row % 8));
    }
    return arrow::MakeArray(arrow::ArrayData::Make(as.type, count, {std::move(valid), std::move(out)}));
  }
  [[nodiscard]] std::int64_t bytes() const override { return static_cast<std::int64_t>(values_.capacity() * 9); }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(save_values(has_, groups, to));
    return save_values(values_, groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_TRY(load_values(from, to, has_));
    values_.resize(to.group_count, start_);
    return load_values(from, to, values_);
  }

 private:
  static std::int64_t integer_at(const arrow::Array& column, std::int64_t row) {
    switch (column.type_id()) {
      case arrow::Type::INT16:
        return static_cast<const arrow::Int16Array&>(column).Value(row);
      case arrow::Type::INT32:
        return static_cast<const arrow::Int32Array&>(column).Value(row);
      case arrow::Type::UINT64:
        return static_cast<std::int64_t>(static_cast<const arrow::UInt64Array&>(column).Value(row));
      default:
        return static_cast<const arrow::Int64Array&>(column).Value(row);
    }
  }

  std::int64_t start_;
  char what_;
  std::vector<std::int64_t> values_;
  std::vector<std::uint8_t> has_;
};

}  // namespace

accumulator_ptr make_regression(const expression::aggregate_call& call) {
  const auto& name = call.function;
  if (name == "corr" || name.starts_with("covar") || name.starts_with("regr")) return std::make_unique<regression>();
  if (name.starts_with("bit_")) return std::make_unique<bits>(name);
  return nullptr;
}

}  // namespace sluice::aggregates
