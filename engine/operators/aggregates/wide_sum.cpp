#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/aggregates/integer_result.hpp"
#include "engine/values/wide_decimal.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <vector>

namespace sluice::aggregates {

namespace {

// Sums of decimals with more than 38 digits: 256 bits and how often they wrapped, so that only the total can overflow,
// not the way to it.
class wide_sum final : public accumulator {
 public:
  explicit wide_sum(std::int32_t scale) : scale_(scale) {}

  status add(const grouped_rows& in) override {
    sums_.resize(in.group_count);
    counts_.add(in);
    const auto& values = static_cast<const arrow::Decimal256Array&>(*in.values);
    const auto* bitmap = values.null_count() == 0 ? nullptr : values.null_bitmap_data();
    for_each_valid(bitmap, values.offset(), in.rows, [&](std::int64_t row) {
      const arrow::Decimal256 value(values.GetValue(row));
      auto& sum = sums_[in.groups[row]];
      const bool same_sign = sum.IsNegative() == value.IsNegative();
      sum += value;
      if (same_sign && sum.IsNegative() != value.IsNegative())
        wrapped(in.group_count)[in.groups[row]] += value.IsNegative() ? -1 : 1;
    });
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) override {
    const auto& type = static_cast<const arrow::DecimalType&>(*as.type);
    const int width = type.byte_width();
    const bool average = as.function == "avg";
    const auto count = static_cast<std::int64_t>(groups.size());
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> values, arrow::AllocateBuffer(count * width), "read sums");
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> valid, arrow::AllocateEmptyBitmap(count), "read sums");
    std::fill_n(values->mutable_data(), values->size(), std::uint8_t{0});
    for (std::int64_t i = 0; i < count; ++i) {
      const auto rows = counts_[groups[i]];
      if (rows == 0) continue;
      const auto sum = rescale(total(groups[i]), type.scale() - scale_);
      if (!write_wide(average ? divide_rounding(sum, rows) : sum, type.precision(), width,
                      values->mutable_data() + i * width)) {
        errors.push_back(sum_overflow(i, *as.type));
        continue;
      }
      valid->mutable_data()[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
    }
    return arrow::MakeArray(arrow::ArrayData::Make(as.type, count, {std::move(valid), std::move(values)}));
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return static_cast<std::int64_t>(sums_.capacity() * sizeof(arrow::Decimal256) + wraps_.capacity() * 8) +
           counts_.bytes();
  }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(save_values(sums_, groups, to));
    SLUICE_TRY(save_values(wraps_, groups, to));
    return counts_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_TRY(load_values(from, to, sums_));
    SLUICE_TRY(load_values(from, to, wraps_));
    return counts_.load(from, to);
  }

 private:
  std::vector<std::int64_t>& wrapped(std::size_t groups) {
    if (wraps_.size() < groups) wraps_.resize(groups);
    return wraps_;
  }

  [[nodiscard]] wide_integer total(std::uint32_t group) const {
    auto sum = read_wide(sums_[group].native_endian_bytes(), 32);
    if (group < wraps_.size()) sum += wide_integer(wraps_[group]) << 256;
    return sum;
  }

  std::int32_t scale_;
  std::vector<arrow::Decimal256> sums_;
  std::vector<std::int64_t> wraps_;  ///< empty while there are none
  value_counts counts_;
};

}  // namespace

accumulator_ptr make_wide_sum(const std::shared_ptr<arrow::DataType>& from) {
  return std::make_unique<wide_sum>(static_cast<const arrow::Decimal256Type&>(*from).scale());
}

}  // namespace sluice::aggregates
