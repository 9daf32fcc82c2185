#include "engine/operators/aggregates/accumulator.hpp"

#include "engine/values/intervals.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::aggregates {

namespace {

// As PostgreSQL orders them: NaN is equal to itself and greater than any number.
template <bool Greatest, class Value>
bool better(const Value& candidate, const Value& best) {
  if constexpr (std::is_floating_point_v<Value>) {
    if constexpr (Greatest) return candidate > best || candidate != candidate;
    return candidate < best || best != best;
  } else if constexpr (std::is_same_v<Value, interval>) {
    // Of intervals of one length (1 mon, 30 days) the one with more months, then more days: the same for any order.
    const auto length = interval_length(candidate), other = interval_length(best);
    if (length != other) return Greatest ? length > other : length < other;
    return std::pair(candidate.months, candidate.days) > std::pair(best.months, best.days);
  } else {
    return Greatest ? candidate > best : candidate < best;
  }
}

// Values of one width: numbers, decimals, dates and times.
template <class Value, bool Greatest>
class fixed_extreme final : public accumulator {
 public:
  explicit fixed_extreme(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  status add(const grouped_rows& in) override {
    best_.resize(in.group_count);
    seen_.resize(in.group_count);
    const auto& data = *in.values->data();
    const auto* values = data.buffers[1]->data() + data.offset * std::int64_t{sizeof(Value)};
    const auto* bitmap = in.values->null_count() == 0 ? nullptr : in.values->null_bitmap_data();
    for_each_valid(bitmap, in.values->offset(), in.rows, [&](std::int64_t row) {
      const auto group = in.groups[row];
      const auto value = value_at<Value>(values, row);
      if (!seen_[group] || better<Greatest>(value, best_[group])) {
        best_[group] = value;
        seen_[group] = 1;
      }
    });
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors&) override {
    const auto count = static_cast<std::int64_t>(groups.size());
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> values,
                        arrow::AllocateBuffer(count * std::int64_t{sizeof(Value)}), "read results");
    SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> valid, arrow::AllocateEmptyBitmap(count), "read results");
    auto* out = reinterpret_cast<Value*>(values->mutable_data());
    std::int64_t nulls = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = canonical(best_[groups[i]]);
      if (seen_[groups[i]]) {
        valid->mutable_data()[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
      } else {
        ++nulls;
      }
    }
    return arrow::MakeArray(arrow::ArrayData::Make(type_, count, {std::move(valid), std::move(values)}, nulls));
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return static_cast<std::int64_t>(best_.capacity() * sizeof(Value) + seen_.capacity());
  }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(save_values(best_, groups, to));
    return save_values(seen_, groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_TRY(load_values(from, to, best_));
    return load_values(from, to, seen_);
  }

 private:
  // Equal values with other bits would make the result depend on the order of rows.
  static Value canonical(const Value& value) {
    if constexpr (std::is_floating_point_v<Value>)
      return std::isnan(value) ? std::numeric_limits<Value>::quiet_NaN() : value + Value{0};
    return value;
  }

  std::shared_ptr<arrow::DataType> type_;
  std::vector<Value> best_;
  std::vector<std::uint8_t> seen_;
};

template <bool Greatest>
class boolean_extreme final : public accumulator {
 public:
  status add(const grouped_rows& in) override {
    states_.resize(in.group_count);
    const auto& values = static_cast<const arrow::BooleanArray&>(*in.values);
    const auto* bitmap = values.null_count() == 0 ? nullptr : values.null_bitmap_data();
    for_each_valid(bitmap, values.offset(), in.rows,
                   [&](std::int64_t row) { states_[in.groups[row]] |= values.Value(row) ? saw_true : saw_false; });
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors&) override {
    arrow::BooleanBuilder builder;
    SLUICE_TRY_ARROW(builder.Reserve(static_cast<std::int64_t>(groups.size())), "read results");
    for (const auto group : groups) {
      const auto state = states_[group];
      if (state == 0) {
        builder.UnsafeAppendNull();
      } else {
        builder.UnsafeAppend(Greatest ? (state & saw_true) != 0 : (state & saw_false) == 0);
      }
    }
    SLUICE_ASSIGN_ARROW(auto array, builder.Finish(), "read results");
    return array;
  }

  [[nodiscard]] std::int64_t bytes() const override { return static_cast<std::int64_t>(states_.capacity()); }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    return save_values(states_, groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override { return load_values(from, to, states_); }

 private:
  static constexpr std::uint8_t saw_true = 1;
  static constexpr std::uint8_t saw_false = 2;
  std::vector<std::uint8_t> states_;
};

// Text and bytes, ordered by their bytes.
template <class ArrayType, bool Greatest>
class text_extreme final : public accumulator {
 public:
  explicit text_extreme(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  status add(const grouped_rows& in) override {
    best_.resize(in.group_count);
    seen_.resize(in.group_count);
    const auto& values = static_cast<const ArrayType&>(*in.values);
    const auto* bitmap = values.null_count() == 0 ? nullptr : values.null_bitmap_data();
    for_each_valid(bitmap, values.offset(), in.rows, [&](std::int64_t row) {
      const auto group = in.groups[row];
      const std::string_view value = values.GetView(row);
      if (seen_[group] && !better<Greatest>(value, std::string_view(best_[group]))) return;
      held_ += static_cast<std::int64_t>(value.size()) - static_cast<std::int64_t>(best_[group].size());
      best_[group] = value;
      seen_[group] = 1;
    });
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors&) override {
    std::unique_ptr<arrow::ArrayBuilder> made;
    SLUICE_TRY_ARROW(arrow::MakeBuilder(arrow::default_memory_pool(), type_, &made), "read results");
    auto& builder = static_cast<typename arrow::TypeTraits<typename ArrayType::TypeClass>::BuilderType&>(*made);
    for (const auto group : groups) {
      if (!seen_[group]) {
        SLUICE_TRY_ARROW(builder.AppendNull(), "read results");
      } else {
        SLUICE_TRY_ARROW(builder.Append(best_[group]), "read results");
      }
    }
    SLUICE_ASSIGN_ARROW(auto array, builder.Finish(), "read results");
    return array;
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return held_ + static_cast<std::int64_t>(best_.capacity() * sizeof(std::string) + seen_.capacity());
  }
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    std::vector<std::string> texts;
    for (const auto group : groups) texts.push_back(group < best_.size() ? best_[group] : std::string());
    SLUICE_ASSIGN(auto column, held::column_of_texts(texts));
    to.push_back(std::move(column));
    return save_values(seen_, groups, to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_ASSIGN(const auto column, from.next());
    if (column->length() != to.rows) return held::foreign("texts");
    best_.resize(to.group_count);
    for (std::int64_t row = 0; row < to.rows; ++row) {
      SLUICE_ASSIGN(const auto text, held::text_at(*column, row));
      best_[to.groups[row]] = text;
      held_ += static_cast<std::int64_t>(text.size());
    }
    return load_values(from, to, seen_);
  }

 private:
  std::shared_ptr<arrow::DataType> type_;
  std::vector<std::string> best_;
  std::vector<std::uint8_t> seen_;
  std::int64_t held_ = 0;
};

template <class Value>
accumulator_ptr fixed(bool greatest, const std::shared_ptr<arrow::DataType>& type) {
  if (greatest) return std::make_unique<fixed_extreme<Value, true>>(type);
  return std::make_unique<fixed_extreme<Value, false>>(type);
}

template <class ArrayType>
accumulator_ptr text(bool greatest, const std::shared_ptr<arrow::DataType>& type) {
  if (greatest) return std::make_unique<text_extreme<ArrayType, true>>(type);
  return std::make_unique<text_extreme<ArrayType, false>>(type);
}

}  // namespace

accumulator_ptr make_extreme(bool greatest, const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::BOOL:
      if (greatest) return std::make_unique<boolean_extreme<true>>();
      return std::make_unique<boolean_extreme<false>>();
    case arrow::Type::INT8:
      return fixed<std::int8_t>(greatest, type);
    case arrow::Type::INT16:
      return fixed<std::int16_t>(greatest, type);
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
      return fixed<std::int32_t>(greatest, type);
    case arrow::Type::INT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      return fixed<std::int64_t>(greatest, type);
    case arrow::Type::UINT8:
      return fixed<std::uint8_t>(greatest, type);
    case arrow::Type::UINT16:
      return fixed<std::uint16_t>(greatest, type);
    case arrow::Type::UINT32:
      return fixed<std::uint32_t>(greatest, type);
    case arrow::Type::UINT64:
      return fixed<std::uint64_t>(greatest, type);
    case arrow::Type::FLOAT:
      return fixed<float>(greatest, type);
    case arrow::Type::DOUBLE:
      return fixed<double>(greatest, type);
    case arrow::Type::DECIMAL128:
      return fixed<int128>(greatest, type);
    case arrow::Type::DECIMAL256:
      return fixed<arrow::Decimal256>(greatest, type);
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return fixed<interval>(greatest, type);
    case arrow::Type::STRING:
      return text<arrow::StringArray>(greatest, type);
    case arrow::Type::LARGE_STRING:
      return text<arrow::LargeStringArray>(greatest, type);
    case arrow::Type::BINARY:
      return text<arrow::BinaryArray>(greatest, type);
    case arrow::Type::LARGE_BINARY:
      return text<arrow::LargeBinaryArray>(greatest, type);
    case arrow::Type::FIXED_SIZE_BINARY:
      return text<arrow::FixedSizeBinaryArray>(greatest, type);
    default:
      return nullptr;
  }
}

}  // namespace sluice::aggregates
