#include "engine/operators/aggregates/integer_result.hpp"

#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <array>
#include <cmath>
#include <limits>

namespace sluice::aggregates {

namespace {

arrow::Decimal256 widened(int128 value) {
  return arrow::Decimal256(
      arrow::Decimal128(static_cast<std::int64_t>(value >> 64), static_cast<std::uint64_t>(value)));
}

// value * 10^(to_scale - scale) / divisor, rounded half away from zero.
arrow::Decimal256 divided(int128 value, std::int32_t scale, std::int32_t to_scale, std::int64_t divisor) {
  auto numerator = widened(value);
  if (scale == to_scale && divisor == 1) return numerator;
  auto denominator = arrow::Decimal256(divisor);
  if (to_scale > scale) numerator *= arrow::Decimal256::GetScaleMultiplier(to_scale - scale);
  if (to_scale < scale) denominator *= arrow::Decimal256::GetScaleMultiplier(scale - to_scale);
  auto [quotient, rest] = numerator.Divide(denominator).ValueOrDie();
  if (arrow::Decimal256::Abs(rest) * arrow::Decimal256(2) >= denominator)
    quotient += arrow::Decimal256(value < 0 ? -1 : 1);
  return quotient;
}

// 10^n, where it has room.
constexpr std::array<int128, 39> powers = [] {
  std::array<int128, 39> made = {1};
  for (std::size_t n = 1; n < made.size(); ++n) made[n] = made[n - 1] * 10;
  return made;
}();

// The same where no step needs more than 128 bits, as nearly always; false otherwise.
bool divided_narrow(int128 value, std::int32_t scale, std::int32_t to_scale, std::int64_t divisor, int128& out) {
  const auto up = to_scale > scale ? to_scale - scale : 0;
  const auto down = to_scale < scale ? scale - to_scale : 0;
  if (up > 38 || down > 18 || __builtin_mul_overflow(value, powers[static_cast<std::size_t>(up)], &value)) return false;
  int128 by = divisor;
  if (down > 0) by *= powers[static_cast<std::size_t>(down)];
  if (by == 1) {
    out = value;
    return true;
  }
  // Divisions of 64 bits are several times as fast.
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  if (value >= -most && value <= most && by <= most) {
    const auto numerator = static_cast<std::int64_t>(value), denominator = static_cast<std::int64_t>(by);
    const auto rest = numerator % denominator;
    const auto quotient = numerator / denominator;
    out = quotient;
    if ((rest < 0 ? -rest : rest) >= denominator - (rest < 0 ? -rest : rest)) out += value < 0 ? -1 : 1;
    return true;
  }
  const auto rest = value % by;
  out = value / by;
  if ((rest < 0 ? -rest : rest) >= by - (rest < 0 ? -rest : rest)) out += value < 0 ? -1 : 1;
  return true;
}

// What results have in common: an Arrow builder.
template <class Builder>
class built : public integer_result {
 public:
  explicit built(const std::shared_ptr<arrow::DataType>& to) : builder_(to, arrow::default_memory_pool()) {}

  status append_null() override {
    SLUICE_TRY_ARROW(builder_.AppendNull(), "read sums");
    return {};
  }
  result<std::shared_ptr<arrow::Array>> finish() override {
    SLUICE_ASSIGN_ARROW(auto array, builder_.Finish(), "read sums");
    return array;
  }

 protected:
  Builder builder_;
};

template <class Builder>
class whole final : public built<Builder> {
 public:
  using value_type = typename Builder::value_type;

  whole(const std::shared_ptr<arrow::DataType>& to, std::int32_t scale) : built<Builder>(to), scale_(scale) {}

  result<bool> append(int128 sum, std::int64_t divisor) override {
    if (divisor != 1 || scale_ != 0) {
      const auto words = divided(sum, scale_, 0, divisor).little_endian_array();
      sum = (static_cast<int128>(static_cast<std::int64_t>(words[1])) << 64) | words[0];
    }
    if (sum < static_cast<int128>(std::numeric_limits<value_type>::min()) ||
        sum > static_cast<int128>(std::numeric_limits<value_type>::max()))
      return false;
    SLUICE_TRY_ARROW(this->builder_.Append(static_cast<value_type>(sum)), "read sums");
    return true;
  }

 private:
  std::int32_t scale_;
};

class real final : public built<arrow::DoubleBuilder> {
 public:
  explicit real(std::int32_t scale) : built(arrow::float64()), scale_(scale) {}

  result<bool> append(int128 sum, std::int64_t divisor) override {
    auto value = static_cast<double>(sum) / static_cast<double>(divisor);
    if (scale_ > 0) value /= std::pow(10.0, scale_);
    SLUICE_TRY_ARROW(builder_.Append(value), "read sums");
    return true;
  }

 private:
  std::int32_t scale_;
};

template <class Builder, class Value>
class decimal final : public built<Builder> {
 public:
  decimal(const std::shared_ptr<arrow::DataType>& to, std::int32_t scale) : built<Builder>(to), from_scale_(scale) {
    const auto& type = static_cast<const arrow::DecimalType&>(*to);
    precision_ = type.precision();
    scale_ = type.scale();
  }

  result<bool> append(int128 sum, std::int64_t divisor) override {
    if (int128 narrow = 0; divided_narrow(sum, from_scale_, scale_, divisor, narrow)) {
      if (precision_ <= 38 && (narrow <= -powers[static_cast<std::size_t>(precision_)] ||
                               narrow >= powers[static_cast<std::size_t>(precision_)]))
        return false;
      const Value value(arrow::Decimal128(static_cast<std::int64_t>(narrow >> 64), static_cast<std::uint64_t>(narrow)));
      SLUICE_TRY_ARROW(this->builder_.Append(value), "read sums");
      return true;
    }
    const auto exact = divided(sum, from_scale_, scale_, divisor);
    if (!exact.FitsInPrecision(precision_)) return false;
    if constexpr (std::is_same_v<Value, arrow::Decimal128>) {
      const auto words = exact.little_endian_array();
      SLUICE_TRY_ARROW(this->builder_.Append(arrow::Decimal128(static_cast<std::int64_t>(words[1]), words[0])),
                       "read sums");
    } else {
      SLUICE_TRY_ARROW(this->builder_.Append(exact), "read sums");
    }
    return true;
  }

 private:
  std::int32_t from_scale_;
  std::int32_t precision_ = 0;
  std::int32_t scale_ = 0;
};

}  // namespace

row_error sum_overflow(std::int64_t row, const arrow::DataType& type) {
  const char* wider = type.id() == arrow::Type::DOUBLE       ? "divide the values first: sum(x / 1e10)"
                      : type.id() == arrow::Type::DECIMAL256 ? "cast the argument: sum(x::double)"
                      : type.id() == arrow::Type::DECIMAL128 ? "cast the argument: sum(x::decimal(76,2))"
                                                             : "cast the argument: sum(x::decimal(38,0))";
  return {.row = row,
          .code = "numeric_overflow",
          .column = {},
          .message = "a sum does not fit its type, " + type_name(type) + "; " + wider};
}

result<std::unique_ptr<integer_result>> integer_result::make(const std::shared_ptr<arrow::DataType>& to,
                                                             std::int32_t scale) {
  using made = std::unique_ptr<integer_result>;
  switch (to->id()) {
    case arrow::Type::INT16:
      return made(std::make_unique<whole<arrow::Int16Builder>>(to, scale));
    case arrow::Type::INT32:
      return made(std::make_unique<whole<arrow::Int32Builder>>(to, scale));
    case arrow::Type::INT64:
      return made(std::make_unique<whole<arrow::Int64Builder>>(to, scale));
    case arrow::Type::UINT64:
      return made(std::make_unique<whole<arrow::UInt64Builder>>(to, scale));
    case arrow::Type::DOUBLE:
      return made(std::make_unique<real>(scale));
    case arrow::Type::DECIMAL128:
      return made(std::make_unique<decimal<arrow::Decimal128Builder, arrow::Decimal128>>(to, scale));
    case arrow::Type::DECIMAL256:
      return made(std::make_unique<decimal<arrow::Decimal256Builder, arrow::Decimal256>>(to, scale));
    default:
      return user_error("not_supported_yet", "a sum or average of type " + type_name(*to) + " is not supported yet",
                        "cast the argument: sum(x::double)");
  }
}

}  // namespace sluice::aggregates
