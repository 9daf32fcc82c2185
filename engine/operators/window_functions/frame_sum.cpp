// count, sum, avg, variances and conditions over frames: rows enter and leave, and what is held is exact, so that a
// frame gives the same bits however it came about.
#include "engine/operators/aggregates/exact_sum.hpp"
#include "engine/operators/aggregates/integer_result.hpp"
#include "engine/operators/window_functions/sliding.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>

#include <cmath>
#include <limits>
#include <optional>

namespace sluice::window_functions {

namespace {

using aggregates::exact_number;
using aggregates::integer_result;
using aggregates::sum_overflow;

class counting final : public call {
 public:
  explicit counting(const expression::window_call& of) : frame_(of.frame), order_(of.order) {}
  [[nodiscard]] bool runs() const override { return is_running(frame_); }

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors&) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    state_.out.assign(static_cast<std::size_t>(of.rows), 0);
    slide(of, frames, counted_rows(in), state_);
    return std::shared_ptr<arrow::Array>(
        std::make_shared<arrow::Int64Array>(of.rows, arrow::Buffer::FromVector(std::move(state_.out))));
  }

 private:
  struct state {
    std::int64_t count = 0;
    std::vector<std::int64_t> out = {};
    void reset() { count = 0; }
    void add(std::int64_t) { ++count; }
    void remove(std::int64_t) { --count; }
    void give(std::int64_t row) { out[static_cast<std::size_t>(row)] = count; }
  };
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
  state state_;
};

// Sums of integers and decimals of up to 38 digits, in 128 bits and what went beyond them.
template <class Value>
class whole_sum final : public call {
 public:
  whole_sum(const expression::window_call& of, std::int32_t scale)
      : frame_(of.frame), order_(of.order), type_(of.type), scale_(scale), average_(of.function == "avg") {}
  [[nodiscard]] bool runs() const override { return is_running(frame_); }

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors& errors) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    SLUICE_ASSIGN(auto out, integer_result::make(type_, scale_));
    const auto& data = *in.arguments[0]->data();
    state_.values = data.buffers[1]->data() + data.offset * static_cast<std::int64_t>(sizeof(Value));
    state_.out = out.get();
    state_.errors = &errors;
    state_.type = type_.get();
    state_.average = average_;
    state_.problem = {};
    slide(of, frames, counted_rows(in), state_);
    SLUICE_TRY(std::move(state_.problem));
    return out->finish();
  }

 private:
  struct state {
    int128 sum = 0;
    std::int64_t wraps = 0, count = 0;
    const std::uint8_t* values = nullptr;
    integer_result* out = nullptr;
    row_errors* errors = nullptr;
    const arrow::DataType* type = nullptr;
    bool average = false;
    status problem = {};

    [[nodiscard]] int128 at(std::int64_t row) const {
      return static_cast<int128>(aggregates::value_at<Value>(values, row));
    }
    void reset() { sum = 0, wraps = count = 0; }
    void add(std::int64_t row) {
      ++count;
      const auto value = at(row);
      if (__builtin_add_overflow(sum, value, &sum)) wraps += value < 0 ? -1 : 1;
    }
    void remove(std::int64_t row) {
      --count;
      const auto value = at(row);
      if (__builtin_sub_overflow(sum, value, &sum)) wraps += value < 0 ? 1 : -1;
    }
    void give(std::int64_t row) {
      if (!problem.ok()) return;
      bool given = false;
      if (count > 0 && wraps == 0) {
        auto made = out->append(sum, average ? count : 1);
        if (!made.ok()) {
          problem = made.problem();
          return;
        }
        given = *made;
      }
      if (count > 0 && !given) errors->push_back(sum_overflow(row, *type));
      if (!given) problem = out->append_null();
    }
  };
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
  std::shared_ptr<arrow::DataType> type_;
  std::int32_t scale_;
  bool average_;
  state state_;
};

// NaN and infinities can't be taken out of a sum: they are counted.
struct specials {
  std::int64_t nan = 0, plus = 0, minus = 0;
  void add(double value, std::int64_t by) { (std::isnan(value) ? nan : value > 0 ? plus : minus) += by; }
  [[nodiscard]] bool any() const { return nan + plus + minus > 0; }
  [[nodiscard]] double value() const {
    if (nan > 0 || (plus > 0 && minus > 0)) return std::numeric_limits<double>::quiet_NaN();
    return plus > 0 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  }
};

// What the states of doubles have in common: their values, and results that may be null.
struct of_doubles {
  std::shared_ptr<arrow::Array> held = nullptr;
  const double* values = nullptr;
  arrow::DoubleBuilder out;
  row_errors* errors = nullptr;

  status begin(const segment& of, const inputs& in, row_errors& to) {
    SLUICE_ASSIGN_ARROW(held, arrow::compute::Cast(*in.arguments[0], arrow::float64()), "cast to double");
    values = static_cast<const arrow::DoubleArray&>(*held).raw_values();
    errors = &to;
    SLUICE_TRY_ARROW(out.Reserve(of.rows), "sum up frames");
    return {};
  }
};

template <class State>
class over_doubles final : public call {
 public:
  explicit over_doubles(const expression::window_call& of) : frame_(of.frame), order_(of.order), state_(of) {}
  [[nodiscard]] bool runs() const override { return is_running(frame_); }

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors& errors) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    SLUICE_TRY(state_.begin(of, in, errors));
    slide(of, frames, counted_rows(in), state_);
    SLUICE_ASSIGN_ARROW(auto made, state_.out.Finish(), "sum up frames");
    return made;
  }

 private:
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
  State state_;
};

struct double_sum : of_doubles {
  explicit double_sum(const expression::window_call& of) : average(of.function == "avg"), type(of.type) {}
  bool average;
  std::shared_ptr<arrow::DataType> type;
  std::int64_t count = 0;
  specials special = {};
  exact_number sum = {};

  void reset() {
    if (count > 0) sum = {};
    count = 0;
    special = {};
  }
  void add(std::int64_t row) { put(values[row], 1); }
  void remove(std::int64_t row) { put(values[row], -1); }
  void put(double value, std::int64_t by) {
    count += by;
    if (std::isfinite(value))
      sum.add(by > 0 ? value : -value);
    else
      special.add(value, by);
  }
  void give(std::int64_t row) {
    if (count == 0) return out.UnsafeAppendNull();
    const double total = special.any() ? special.value() : sum.value();
    if (std::isinf(total) && !special.any()) {
      errors->push_back(sum_overflow(row, *type));
      return out.UnsafeAppendNull();
    }
    out.UnsafeAppend(average ? total / static_cast<double>(count) : total);
  }
};

// The steps are those of the aggregate, see aggregates/spread.cpp.
struct double_spread : of_doubles {
  explicit double_spread(const expression::window_call& of)
      : sample(!of.function.ends_with("_pop")), root(of.function.starts_with("stddev")) {}
  static constexpr double greatest_value = 0x1p450;
  bool sample, root;
  std::int64_t count = 0, special = 0, large = 0;
  exact_number sum = {}, squares = {};

  void reset() {
    if (count > 0) sum = squares = {};
    count = special = large = 0;
  }
  void add(std::int64_t row) { put(values[row], 1); }
  void remove(std::int64_t row) { put(values[row], -1); }
  void put(double value, std::int64_t by) {
    count += by;
    if (!std::isfinite(value)) {
      special += by;
    } else if (std::abs(value) > greatest_value) {
      large += by;
    } else {
      sum.add(by > 0 ? value : -value);
      squares.add_product(by > 0 ? value : -value, value);
    }
  }
  void give(std::int64_t row) {
    if (count < (sample ? 2 : 1)) return out.UnsafeAppendNull();
    if (special > 0) return out.UnsafeAppend(std::numeric_limits<double>::quiet_NaN());
    if (large > 0) {
      errors->push_back({.row = row,
                         .code = "numeric_overflow",
                         .column = {},
                         .message = "the variance of values above 1e135 does not fit into double; divide the values "
                                    "first: stddev(x / 1e100)"});
      return out.UnsafeAppendNull();
    }
    const auto n = static_cast<double>(count);
    const auto parts = sum.parts();
    exact_number difference;
    for (const auto part : squares.parts()) difference.add_product(n, part);
    for (const auto a : parts)
      for (const auto b : parts) difference.add_product(-a, b);
    const double value = difference.value() / (n * (sample ? n - 1 : n));
    out.UnsafeAppend(root ? std::sqrt(value) : value);
  }
};

// bool_and and bool_or.
class condition final : public call {
 public:
  explicit condition(const expression::window_call& of) : frame_(of.frame), order_(of.order) {
    state_.all = of.function != "bool_or";
  }
  [[nodiscard]] bool runs() const override { return is_running(frame_); }

  result<std::shared_ptr<arrow::Array>> compute(const segment& of, const inputs& in, row_errors&) override {
    SLUICE_ASSIGN(const auto frames, find_frames(of, frame_, order_, in));
    state_.values = static_cast<const arrow::BooleanArray*>(in.arguments[0].get());
    SLUICE_TRY_ARROW(state_.out.Reserve(of.rows), "combine conditions");
    slide(of, frames, counted_rows(in), state_);
    SLUICE_ASSIGN_ARROW(auto made, state_.out.Finish(), "combine conditions");
    return made;
  }

 private:
  struct state {
    bool all = true;
    std::int64_t yes = 0, no = 0;
    const arrow::BooleanArray* values = nullptr;
    arrow::BooleanBuilder out;
    void reset() { yes = no = 0; }
    void add(std::int64_t row) { ++(values->Value(row) ? yes : no); }
    void remove(std::int64_t row) { --(values->Value(row) ? yes : no); }
    void give(std::int64_t) {
      if (yes + no == 0) return out.UnsafeAppendNull();
      out.UnsafeAppend(all ? no == 0 : yes > 0);
    }
  };
  expression::window_frame frame_;
  std::vector<expression::window_order> order_;
  state state_;
};

std::unique_ptr<call> make_sum(const expression::window_call& of) {
  const auto& type = *of.arguments[0]->type();
  switch (type.id()) {
    case arrow::Type::INT16:
      return std::make_unique<whole_sum<std::int16_t>>(of, 0);
    case arrow::Type::INT32:
      return std::make_unique<whole_sum<std::int32_t>>(of, 0);
    case arrow::Type::INT64:
      return std::make_unique<whole_sum<std::int64_t>>(of, 0);
    case arrow::Type::UINT64:
      return std::make_unique<whole_sum<std::uint64_t>>(of, 0);
    case arrow::Type::DECIMAL128:
      return std::make_unique<whole_sum<int128>>(of, static_cast<const arrow::Decimal128Type&>(type).scale());
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return std::make_unique<over_doubles<double_sum>>(of);
    default:
      return nullptr;
  }
}

}  // namespace

std::unique_ptr<call> make_frame_sum(const expression::window_call& of) {
  const auto& name = of.function;
  if (name == "count" || name == "count_star") return std::make_unique<counting>(of);
  if (name == "sum" || name == "avg") return make_sum(of);
  if (name.starts_with("stddev") || name.starts_with("var")) return std::make_unique<over_doubles<double_spread>>(of);
  if (name == "bool_and" || name == "every" || name == "bool_or") return std::make_unique<condition>(of);
  return nullptr;
}

}  // namespace sluice::window_functions
