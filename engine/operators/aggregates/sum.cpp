#include "engine/operators/aggregates/exact_sum.hpp"
#include "engine/operators/aggregates/integer_result.hpp"
#include "engine/operators/aggregates/wrapping_sums.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <cmath>
#include <vector>

namespace sluice::aggregates {

namespace {

// Sums of integers and decimals, in 128 bits.
template <class Value>
class integer_sum final : public accumulator {
 public:
  explicit integer_sum(std::int32_t scale) : scale_(scale) {}

  status add(const grouped_rows& in) override {
    all_.begin(in);
    const auto& data = *in.values->data();
    const auto* values = data.buffers[1]->data() + data.offset * std::int64_t{sizeof(Value)};
    const auto* bitmap = in.values->null_count() == 0 ? nullptr : in.values->null_bitmap_data();
    auto* sums = all_.sums();
    for_each_valid(bitmap, in.values->offset(), in.rows, [&](std::int64_t row) {
      auto& sum = sums[in.groups[row]];
      const auto value = value_at<Value>(values, row);
      if constexpr (sizeof(Value) < 16) {
        sum += value;  // 2^63 rows of 64 bits fit
      } else if (__builtin_add_overflow(sum, value, &sum)) {
        all_.wrapped(in.groups[row], value < 0 ? -1 : 1);
      }
    });
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) override {
    const bool average = as.function == "avg";
    SLUICE_ASSIGN(auto out, integer_result::make(as.type, scale_));
    for (std::size_t row = 0; row < groups.size(); ++row) {
      const auto group = groups[row];
      bool given = false;
      if (const auto rows = all_.count(group); rows > 0) {
        if (all_.wraps(group) == 0) {
          SLUICE_ASSIGN(given, out->append(all_[group], average ? rows : 1));
        }
        if (!given) errors.push_back(sum_overflow(static_cast<std::int64_t>(row), *as.type));
      }
      if (!given) SLUICE_TRY(out->append_null());
    }
    return out->finish();
  }

  [[nodiscard]] std::int64_t bytes() const override { return all_.bytes(); }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    return all_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override { return all_.load(from, to); }

 private:
  std::int32_t scale_;
  wrapping_sums<int128> all_;
};

template <class ArrayType>
class floating_sum final : public accumulator {
 public:
  status add(const grouped_rows& in) override {
    sums_.resize(in.group_count);
    counts_.add(in);
    const auto& values = static_cast<const ArrayType&>(*in.values);
    if constexpr (std::is_same_v<ArrayType, arrow::DoubleArray>) {
      if (values.null_count() == 0) return sums_.add(values.raw_values(), in.groups, in.rows), status{};
    }
    plain_values_.clear();
    plain_groups_.clear();
    const auto* bitmap = values.null_count() == 0 ? nullptr : values.null_bitmap_data();
    for_each_valid(bitmap, values.offset(), in.rows, [&](std::int64_t row) {
      plain_values_.push_back(values.Value(row));
      plain_groups_.push_back(in.groups[row]);
    });
    sums_.add(plain_values_.data(), plain_groups_.data(), static_cast<std::int64_t>(plain_values_.size()));
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) override {
    const bool average = as.function == "avg";
    arrow::DoubleBuilder builder;
    SLUICE_TRY_ARROW(builder.Reserve(static_cast<std::int64_t>(groups.size())), "read sums");
    for (std::size_t row = 0; row < groups.size(); ++row) {
      const auto group = groups[row];
      const auto sum = counts_[group] == 0 ? 0 : sums_.value(group);
      const bool overflow = std::isinf(sum) && !sums_.special(group);
      if (overflow) errors.push_back(sum_overflow(static_cast<std::int64_t>(row), *as.type));
      if (counts_[group] == 0 || overflow)
        builder.UnsafeAppendNull();
      else
        builder.UnsafeAppend(average ? sum / static_cast<double>(counts_[group]) : sum);
    }
    SLUICE_ASSIGN_ARROW(auto array, builder.Finish(), "read sums");
    return array;
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return sums_.bytes() + counts_.bytes() +
           static_cast<std::int64_t>(plain_values_.capacity() * 8 + plain_groups_.capacity() * 4);
  }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(sums_.save(groups, to));
    return counts_.save(groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_TRY(sums_.load(from, to));
    return counts_.load(from, to);
  }

 private:
  exact_sums sums_;
  value_counts counts_;
  std::vector<double> plain_values_;
  std::vector<std::uint32_t> plain_groups_;
};

}  // namespace

accumulator_ptr make_sum(const std::shared_ptr<arrow::DataType>& from) {
  switch (from->id()) {
    case arrow::Type::INT8:
      return std::make_unique<integer_sum<std::int8_t>>(0);
    case arrow::Type::INT16:
      return std::make_unique<integer_sum<std::int16_t>>(0);
    case arrow::Type::INT32:
      return std::make_unique<integer_sum<std::int32_t>>(0);
    case arrow::Type::INT64:
      return std::make_unique<integer_sum<std::int64_t>>(0);
    case arrow::Type::UINT8:
      return std::make_unique<integer_sum<std::uint8_t>>(0);
    case arrow::Type::UINT16:
      return std::make_unique<integer_sum<std::uint16_t>>(0);
    case arrow::Type::UINT32:
      return std::make_unique<integer_sum<std::uint32_t>>(0);
    case arrow::Type::UINT64:
      return std::make_unique<integer_sum<std::uint64_t>>(0);
    case arrow::Type::DECIMAL128:
      return std::make_unique<integer_sum<int128>>(static_cast<const arrow::Decimal128Type&>(*from).scale());
    case arrow::Type::DECIMAL256:
      return make_wide_sum(from);
    case arrow::Type::FLOAT:
      return std::make_unique<floating_sum<arrow::FloatArray>>();
    case arrow::Type::DOUBLE:
      return std::make_unique<floating_sum<arrow::DoubleArray>>();
    default:
      return nullptr;
  }
}

}  // namespace sluice::aggregates
