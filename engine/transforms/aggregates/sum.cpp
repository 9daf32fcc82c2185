#include "engine/transforms/aggregates/accumulator.hpp"
#include "engine/transforms/aggregates/exact_sum.hpp"
#include "engine/transforms/aggregates/integer_result.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <vector>

namespace sluice::aggregates {

namespace {

// Counts of values that are not null: a sum of none is null.
class value_counts {
 public:
  void resize(std::size_t groups) { counts_.resize(groups); }
  void add(const grouped_rows& in) {
    auto* counts = counts_.data();
    const auto* bitmap = in.values->null_count() == 0 ? nullptr : in.values->null_bitmap_data();
    for_each_valid(bitmap, in.values->offset(), in.rows, [&](std::int64_t row) { ++counts[in.groups[row]]; });
  }
  [[nodiscard]] std::int64_t operator[](std::uint32_t group) const { return counts_[group]; }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(counts_.capacity() * 8); }

 private:
  std::vector<std::int64_t> counts_;
};

// Sums of integers and decimals: 128 bits and how often they wrapped, so that only the total can overflow, not the way
// to it.
template <class Value>
class integer_sum final : public accumulator {
 public:
  integer_sum(bool average, std::int32_t scale, std::shared_ptr<arrow::DataType> to)
      : average_(average), scale_(scale), to_(std::move(to)) {}

  status add(const grouped_rows& in) override {
    sums_.resize(in.group_count);
    counts_.resize(in.group_count);
    counts_.add(in);
    const auto& data = *in.values->data();
    const auto* values = reinterpret_cast<const Value*>(data.buffers[1]->data()) + data.offset;
    const auto* bitmap = in.values->null_count() == 0 ? nullptr : in.values->null_bitmap_data();
    auto* sums = sums_.data();
    for_each_valid(bitmap, in.values->offset(), in.rows, [&](std::int64_t row) {
      auto& sum = sums[in.groups[row]];
      if constexpr (sizeof(Value) < 16) {
        sum += values[row];  // 2^63 rows of 64 bits fit
      } else if (__builtin_add_overflow(sum, values[row], &sum)) {
        wrapped(in.group_count)[in.groups[row]] += values[row] < 0 ? -1 : 1;
      }
    });
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups) override {
    SLUICE_ASSIGN(auto out, integer_result::make(to_, scale_));
    for (const auto group : groups) {
      if (counts_[group] == 0) {
        SLUICE_TRY(out->append_null());
      } else if (group < wraps_.size() && wraps_[group] != 0) {
        return integer_result::overflow(*to_);
      } else {
        SLUICE_TRY(out->append(sums_[group], average_ ? counts_[group] : 1));
      }
    }
    return out->finish();
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return static_cast<std::int64_t>(sums_.capacity() * 16 + wraps_.capacity() * 8) + counts_.bytes();
  }

 private:
  std::vector<std::int64_t>& wrapped(std::size_t groups) {
    if (wraps_.size() < groups) wraps_.resize(groups);
    return wraps_;
  }

  bool average_;
  std::int32_t scale_;
  std::shared_ptr<arrow::DataType> to_;
  std::vector<int128> sums_;
  std::vector<std::int64_t> wraps_;  ///< empty while there are none
  value_counts counts_;
};

template <class ArrayType>
class floating_sum final : public accumulator {
 public:
  floating_sum(bool average, std::shared_ptr<arrow::DataType> to) : average_(average), to_(std::move(to)) {}

  status add(const grouped_rows& in) override {
    sums_.resize(in.group_count);
    counts_.resize(in.group_count);
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

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups) override {
    if (to_->id() == arrow::Type::FLOAT) return results<arrow::FloatBuilder>(groups);
    return results<arrow::DoubleBuilder>(groups);
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return sums_.bytes() + counts_.bytes() +
           static_cast<std::int64_t>(plain_values_.capacity() * 8 + plain_groups_.capacity() * 4);
  }

 private:
  template <class Builder>
  result<std::shared_ptr<arrow::Array>> results(std::span<const std::uint32_t> groups) {
    Builder builder;
    SLUICE_TRY_ARROW(builder.Reserve(static_cast<std::int64_t>(groups.size())), "read sums");
    for (const auto group : groups) {
      if (counts_[group] == 0) {
        builder.UnsafeAppendNull();
        continue;
      }
      const auto sum = sums_.value(group);
      const auto value = average_ ? sum / static_cast<double>(counts_[group]) : sum;
      builder.UnsafeAppend(static_cast<typename Builder::value_type>(value));
    }
    SLUICE_ASSIGN_ARROW(auto array, builder.Finish(), "read sums");
    return array;
  }

  bool average_;
  std::shared_ptr<arrow::DataType> to_;
  exact_sums sums_;
  value_counts counts_;
  std::vector<double> plain_values_;
  std::vector<std::uint32_t> plain_groups_;
};

}  // namespace

accumulator_ptr make_sum(bool average, const std::shared_ptr<arrow::DataType>& from,
                         const std::shared_ptr<arrow::DataType>& to) {
  switch (from->id()) {
    case arrow::Type::INT8:
      return std::make_unique<integer_sum<std::int8_t>>(average, 0, to);
    case arrow::Type::INT16:
      return std::make_unique<integer_sum<std::int16_t>>(average, 0, to);
    case arrow::Type::INT32:
      return std::make_unique<integer_sum<std::int32_t>>(average, 0, to);
    case arrow::Type::INT64:
      return std::make_unique<integer_sum<std::int64_t>>(average, 0, to);
    case arrow::Type::UINT8:
      return std::make_unique<integer_sum<std::uint8_t>>(average, 0, to);
    case arrow::Type::UINT16:
      return std::make_unique<integer_sum<std::uint16_t>>(average, 0, to);
    case arrow::Type::UINT32:
      return std::make_unique<integer_sum<std::uint32_t>>(average, 0, to);
    case arrow::Type::UINT64:
      return std::make_unique<integer_sum<std::uint64_t>>(average, 0, to);
    case arrow::Type::DECIMAL128:
      return std::make_unique<integer_sum<int128>>(average, static_cast<const arrow::Decimal128Type&>(*from).scale(),
                                                   to);
    case arrow::Type::FLOAT:
      return std::make_unique<floating_sum<arrow::FloatArray>>(average, to);
    case arrow::Type::DOUBLE:
      return std::make_unique<floating_sum<arrow::DoubleArray>>(average, to);
    default:
      return nullptr;
  }
}

}  // namespace sluice::aggregates
