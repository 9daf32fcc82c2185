#include "engine/operators/aggregates/integer_result.hpp"
#include "engine/operators/aggregates/wrapping_sums.hpp"
#include "engine/values/wide_decimal.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>

namespace sluice::aggregates {

namespace {

// Sums of decimals with more than 38 digits, in 256 bits.
class wide_sum final : public accumulator {
 public:
  explicit wide_sum(std::int32_t scale) : scale_(scale) {}

  status add(const grouped_rows& in) override {
    all_.begin(in);
    const auto& values = static_cast<const arrow::Decimal256Array&>(*in.values);
    const auto* bitmap = values.null_count() == 0 ? nullptr : values.null_bitmap_data();
    for_each_valid(bitmap, values.offset(), in.rows, [&](std::int64_t row) {
      const arrow::Decimal256 value(values.GetValue(row));
      auto& sum = all_.sums()[in.groups[row]];
      const bool same_sign = sum.IsNegative() == value.IsNegative();
      sum += value;
      if (same_sign && sum.IsNegative() != value.IsNegative())
        all_.wrapped(in.groups[row], value.IsNegative() ? -1 : 1);
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
      const auto rows = all_.count(groups[i]);
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

  [[nodiscard]] std::int64_t bytes() const override { return all_.bytes(); }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    return all_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override { return all_.load(from, to); }

 private:
  [[nodiscard]] wide_integer total(std::uint32_t group) const {
    return read_wide(all_[group].native_endian_bytes(), 32) + (wide_integer(all_.wraps(group)) << 256);
  }

  std::int32_t scale_;
  wrapping_sums<arrow::Decimal256> all_;
};

}  // namespace

accumulator_ptr make_wide_sum(const std::shared_ptr<arrow::DataType>& from) {
  return std::make_unique<wide_sum>(static_cast<const arrow::Decimal256Type&>(*from).scale());
}

}  // namespace sluice::aggregates
