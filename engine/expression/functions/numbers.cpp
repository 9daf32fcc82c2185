// Numbers beyond the everyday: trigonometry, whole numbers, bits, buckets.
#include "engine/expression/functions/support.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/values/types.hpp"

#include <arrow/util/decimal.h>

#include <cmath>
#include <numbers>
#include <numeric>

namespace sluice::expression {

namespace {

std::string called(const call& c, std::int64_t row) {
  std::string text = static_cast<const call_node&>(c.of).name + "(";
  for (std::size_t i = 0; i < c.args.size(); ++i) text += (i == 0 ? "" : ", ") + argument_text(c, i, row);
  return text + ")";
}

// --- doubles: false where there is no value

using one_double = bool (*)(double x, double& out);

template <one_double Function>
result<array_ptr> double_kernel(call& c) {
  const column_of<double> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<double>(c, failures, [&](std::int64_t row, double& out) {
    if (!Function(from[row], out)) [[unlikely]]
      failures.add(row, "out_of_range", called(c, row) + " is not a number that a double can hold");
  });
}
template <one_double Function>
node_ptr bind_double(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::float64()}, arrow::float64(), double_kernel<Function>);
}

// Of an infinity there is no sine; NaN goes through.
template <double (*Function)(double)>
bool finite(double x, double& out) {
  out = Function(x);
  return !std::isinf(x);
}
template <double (*Function)(double)>
bool always(double x, double& out) {
  out = Function(x);
  return true;
}
template <double (*Function)(double)>
bool within_one(double x, double& out) {
  out = Function(x);
  return !(x < -1 || x > 1);
}
bool inverse_cosh(double x, double& out) {
  out = std::acosh(x);
  return !(x < 1);
}
bool cotangent(double x, double& out) {
  out = 1.0 / std::tan(x);
  return !std::isinf(x);
}
bool to_degrees(double x, double& out) {
  out = x / (std::numbers::pi / 180.0);
  return std::isinf(x) || !std::isinf(out);
}
bool to_radians(double x, double& out) {
  out = x * (std::numbers::pi / 180.0);
  return true;
}
bool decimal_log(double x, double& out) {
  out = std::log10(x);
  return !(x <= 0);
}

result<array_ptr> atan2_kernel(call& c) {
  const column_of<double> y(c.args[0]), x(c.args[1]);
  row_failures failures(c);
  return fill_rows<double>(c, failures, [&](std::int64_t row, double& out) { out = std::atan2(y[row], x[row]); });
}
node_ptr bind_atan2(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::float64()}, arrow::float64(), atan2_kernel);
}
node_ptr bind_pi(binder&, const call_site&) {
  return std::make_shared<constant_node>(
      arrow::MakeArrayFromScalar(arrow::DoubleScalar(std::numbers::pi), 1).ValueOrDie());
}

// --- whole numbers

std::uint64_t magnitude(std::int64_t x) {
  return x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
}

template <bool Least>
result<array_ptr> divisor_kernel(call& c) {
  const column_of<std::int64_t> left(c.args[0]), right(c.args[1]);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    const auto a = magnitude(left[row]), b = magnitude(right[row]);
    const auto common = std::gcd(a, b);
    std::uint64_t found = common;
    const bool overflow = Least && common != 0 && __builtin_mul_overflow(a / common, b, &found);
    if (Least && common == 0) found = 0;
    if (overflow || found > static_cast<std::uint64_t>(INT64_MAX))
      return failures.add(row, "numeric_overflow", called(c, row) + " is out of the range of bigint");
    out = static_cast<std::int64_t>(found);
  });
}
template <bool Least>
node_ptr bind_divisor(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int64()}, arrow::int64(), divisor_kernel<Least>);
}

result<array_ptr> factorial_kernel(call& c) {
  const column_of<std::int64_t> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<int128>(c, failures, [&](std::int64_t row, int128& out) {
    const auto n = from[row];
    if (n < 0 || n > 33)
      return failures.add(
          row, "out_of_range",
          n < 0 ? "there is no factorial of " + std::to_string(n) : called(c, row) + " has more than 38 digits");
    out = 1;
    for (std::int64_t i = 2; i <= n; ++i) out *= i;
  });
}
node_ptr bind_factorial(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int64()}, arrow::decimal128(38, 0), factorial_kernel);
}

// div(y, x): the quotient without its fraction, (y - y % x) / x.
node_ptr bind_div(binder& b, const call_site& site) {
  std::vector<argument> sides = site.args;
  if (!b.unify(sides, "div")) return nullptr;
  const auto& type = *sides[0].value->type;
  if (!is_integer_type(type) && !is_decimal_type(type))
    return b.fault(site.at, "type_mismatch", "div expects integers or decimals, found " + type_name(type),
                   "write trunc(x / y)");
  if (is_integer_type(type)) return b.arithmetic_of(arithmetic::divide, sides[0], sides[1], site.at);
  auto rest = b.arithmetic_of(arithmetic::modulo, sides[0], sides[1], site.at);
  auto whole = rest ? b.arithmetic_of(arithmetic::subtract, sides[0], {rest, site.at}, site.at) : nullptr;
  auto quotient = whole ? b.arithmetic_of(arithmetic::divide, {whole, site.at}, sides[1], site.at) : nullptr;
  return quotient ? find_function("trunc")->bind(b, {"trunc", site.at, {{quotient, site.at}}}) : nullptr;
}

// --- bits

enum class bits { both, any, differing, left, right };

template <class Value, bits What>
result<array_ptr> bits_kernel(call& c) {
  const column_of<Value> left(c.args[0]);
  row_failures failures(c);
  using unsigned_value = std::make_unsigned_t<Value>;
  if constexpr (What == bits::left || What == bits::right) {
    // As C does it on PostgreSQL's machines: of the number, only the bits that the width has count.
    const column_of<std::int32_t> by(c.args[1]);
    constexpr std::uint32_t most = sizeof(Value) == 8 ? 63 : 31;
    return fill_rows<Value>(c, failures, [&](std::int64_t row, Value& out) {
      const auto count = static_cast<std::uint32_t>(by[row]) & most;
      if constexpr (What == bits::left)
        out = static_cast<Value>(count >= sizeof(Value) * 8
                                     ? 0
                                     : static_cast<std::uint64_t>(static_cast<unsigned_value>(left[row])) << count);
      else
        out = static_cast<Value>(static_cast<std::int64_t>(left[row]) >> count);
    });
  } else {
    const column_of<Value> right(c.args[1]);
    return fill_rows<Value>(c, failures, [&](std::int64_t row, Value& out) {
      const Value a = left[row], b = right[row];
      out = static_cast<Value>(What == bits::both ? a & b : What == bits::any ? a | b : a ^ b);
    });
  }
}

template <bits What>
node_ptr bind_bits(binder& b, const call_site& site) {
  constexpr bool shift = What == bits::left || What == bits::right;
  std::vector<argument> sides = site.args;
  for (auto& each : sides)
    if (each.value->type->id() == arrow::Type::NA) each.value = null_constant(arrow::int32());
  if (!shift && !b.unify(sides, site.name)) return nullptr;
  if (shift) {
    sides[0].value = b.settle(sides[0]);
    sides[1].value = b.coerce(sides[1], arrow::int32(), site.name);
    if (!sides[0].value || !sides[1].value) return nullptr;
  }
  const auto type = sides[0].value->type;
  const auto run = type->id() == arrow::Type::INT16   ? bits_kernel<std::int16_t, What>
                   : type->id() == arrow::Type::INT32 ? bits_kernel<std::int32_t, What>
                   : type->id() == arrow::Type::INT64 ? bits_kernel<std::int64_t, What>
                                                      : nullptr;
  if (run == nullptr)
    return b.fault(site.at, "type_mismatch", site.name + " expects integers, found " + type_name(*type),
                   site.name == "|" ? "texts are joined by ||" : "");
  return b.call(site.name, type, {sides[0].value, sides[1].value}, run, {.form = notation::infix});
}

// --- width_bucket

result<array_ptr> bucket_kernel(call& c) {
  const column_of<double> value(c.args[0]), low(c.args[1]), high(c.args[2]);
  const column_of<std::int32_t> count(c.args[3]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    const double x = value[row], a = low[row], b = high[row];
    if (count[row] <= 0 || a == b || std::isnan(x) || !std::isfinite(a) || !std::isfinite(b))
      return failures.add(row, "out_of_range",
                          called(c, row) + " needs a number, two different finite bounds and a count above 0");
    const bool up = a < b;
    if (up ? x < a : x > a) {
      out = 0;
    } else if (up ? x >= b : x <= b) {
      if (__builtin_add_overflow(count[row], 1, &out))
        failures.add(row, "numeric_overflow", called(c, row) + " is out of the range of integer");
    } else {
      // As width_bucket_float8 of PostgreSQL 15.
      const double share = up ? (x - a) / (b - a) : (a - x) / (a - b);
      out = static_cast<std::int32_t>(static_cast<double>(count[row]) * share);
      if (out >= count[row]) out = count[row] - 1;
      ++out;
    }
  });
}

// Decimals of one type: exactly.
result<array_ptr> decimal_bucket_kernel(call& c) {
  const column_of<int128> value(c.args[0]), low(c.args[1]), high(c.args[2]);
  const column_of<std::int32_t> count(c.args[3]);
  row_failures failures(c);
  const auto minus = [](int128 x, int128 y) {
    const auto wide = [](int128 of) {
      return arrow::Decimal256(arrow::Decimal128(static_cast<std::int64_t>(of >> 64), static_cast<std::uint64_t>(of)));
    };
    auto difference = wide(y);
    difference.Negate();
    difference += wide(x);
    return difference;
  };
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    const auto x = value[row], a = low[row], b = high[row];
    if (count[row] <= 0 || a == b)
      return failures.add(row, "out_of_range", called(c, row) + " needs two different bounds and a count above 0");
    const bool up = a < b;
    if (up ? x < a : x > a) {
      out = 0;
    } else if (up ? x >= b : x <= b) {
      if (__builtin_add_overflow(count[row], 1, &out))
        failures.add(row, "numeric_overflow", called(c, row) + " is out of the range of integer");
    } else {
      auto top = up ? minus(x, a) : minus(a, x);
      top *= arrow::Decimal256(count[row]);
      const auto bottom = up ? minus(b, a) : minus(a, b);
      out = static_cast<std::int32_t>((top / bottom).low_bits()) + 1;
    }
  });
}

node_ptr bind_bucket(binder& b, const call_site& site) {
  std::vector<argument> values(site.args.begin(), site.args.begin() + 3);
  auto type = b.unify(values, "width_bucket");
  auto count = b.coerce(site.args[3], arrow::int32(), "width_bucket");
  if (!type || !count) return nullptr;
  if (!is_number_type(*type))
    return b.fault(site.at, "type_mismatch", "width_bucket expects numbers, found " + type_name(*type));
  const bool exact = type->id() == arrow::Type::DECIMAL128;
  std::vector<node_ptr> inputs;
  for (const auto& each : values) inputs.push_back(exact ? each.value : b.cast(each, arrow::float64()));
  inputs.push_back(std::move(count));
  for (const auto& each : inputs)
    if (!each) return nullptr;
  return b.call("width_bucket", arrow::int32(), std::move(inputs), exact ? decimal_bucket_kernel : bucket_kernel);
}

double cube_root(double x) { return std::cbrt(x); }
double sine(double x) { return std::sin(x); }
double cosine(double x) { return std::cos(x); }
double tangent(double x) { return std::tan(x); }
double arc_sine(double x) { return std::asin(x); }
double arc_cosine(double x) { return std::acos(x); }
double arc_tangent(double x) { return std::atan(x); }
double sinh_of(double x) { return std::sinh(x); }
double cosh_of(double x) { return std::cosh(x); }
double tanh_of(double x) { return std::tanh(x); }
double asinh_of(double x) { return std::asinh(x); }
bool atanh_of(double x, double& out) {
  out = std::atanh(x);
  return !(x < -1 || x > 1);
}

}  // namespace

const std::vector<function>& number_functions() {
  static const std::vector<function> all = {
      entry("#", "math", "integer # integer -> integer", "the bits that differ", "5 # 3", "6", 2, 2,
            bind_bits<bits::differing>),
      entry("&", "math", "integer & integer -> integer", "the bits that both have", "5 & 3", "1", 2, 2,
            bind_bits<bits::both>),
      entry("<<", "math", "integer << n -> integer", "the bits, n places to the left", "1 << 4", "16", 2, 2,
            bind_bits<bits::left>),
      entry(">>", "math", "integer >> n -> integer", "the bits, n places to the right; the sign stays", "-8 >> 1", "-4",
            2, 2, bind_bits<bits::right>),
      entry("acos", "math", "acos(double) -> double", "arc cosine, in radians", "acos(1)", "0", 1, 1,
            bind_double<within_one<arc_cosine>>),
      entry("acosh", "math", "acosh(double) -> double", "inverse hyperbolic cosine", "acosh(1)", "0", 1, 1,
            bind_double<inverse_cosh>),
      entry("asin", "math", "asin(double) -> double", "arc sine, in radians", "asin(0)", "0", 1, 1,
            bind_double<within_one<arc_sine>>),
      entry("asinh", "math", "asinh(double) -> double", "inverse hyperbolic sine", "asinh(0)", "0", 1, 1,
            bind_double<always<asinh_of>>),
      entry("atan", "math", "atan(double) -> double", "arc tangent, in radians", "atan(0)", "0", 1, 1,
            bind_double<always<arc_tangent>>),
      entry("atan2", "math", "atan2(y, x) -> double", "angle of the point, in radians", "atan2(0, 1)", "0", 2, 2,
            bind_atan2),
      entry("atanh", "math", "atanh(double) -> double", "inverse hyperbolic tangent", "atanh(0)", "0", 1, 1,
            bind_double<atanh_of>),
      entry("cbrt", "math", "cbrt(double) -> double", "cube root", "cbrt(64)", "4", 1, 1,
            bind_double<always<cube_root>>),
      entry("cos", "math", "cos(double) -> double", "cosine of radians", "cos(0)", "1", 1, 1,
            bind_double<finite<cosine>>),
      entry("cosh", "math", "cosh(double) -> double", "hyperbolic cosine", "cosh(0)", "1", 1, 1,
            bind_double<always<cosh_of>>),
      entry("cot", "math", "cot(double) -> double", "cotangent of radians", "round(cot(1)::decimal(10,4), 3)", "0.642",
            1, 1, bind_double<cotangent>),
      entry("degrees", "math", "degrees(double) -> double", "radians in degrees", "degrees(pi())", "180", 1, 1,
            bind_double<to_degrees>),
      entry("div", "math", "div(number, number) -> number", "the quotient of integers or decimals without its fraction",
            "div(9, 4)", "2", 2, 2, bind_div),
      entry("factorial", "math", "factorial(bigint) -> decimal(38,0)", "factorial", "factorial(20)",
            "2432902008176640000", 1, 1, bind_factorial),
      entry("gcd", "math", "gcd(bigint, bigint) -> bigint", "greatest common divisor", "gcd(1071, 462)", "21", 2, 2,
            bind_divisor<false>),
      entry("lcm", "math", "lcm(bigint, bigint) -> bigint", "least common multiple", "lcm(4, 6)", "12", 2, 2,
            bind_divisor<true>),
      entry("log10", "math", "log10(double) -> double", "logarithm to base 10", "log10(1000)", "3", 1, 1,
            bind_double<decimal_log>),
      entry("pi", "math", "pi() -> double", "the number pi", "pi()", "3.141592653589793", 0, 0, bind_pi),
      entry("radians", "math", "radians(double) -> double", "degrees in radians", "radians(180) = pi()", "true", 1, 1,
            bind_double<to_radians>),
      entry("sin", "math", "sin(double) -> double", "sine of radians", "sin(0)", "0", 1, 1, bind_double<finite<sine>>),
      entry("sinh", "math", "sinh(double) -> double", "hyperbolic sine", "sinh(0)", "0", 1, 1,
            bind_double<always<sinh_of>>),
      entry("tan", "math", "tan(double) -> double", "tangent of radians", "tan(0)", "0", 1, 1,
            bind_double<finite<tangent>>),
      entry("tanh", "math", "tanh(double) -> double", "hyperbolic tangent", "tanh(0)", "0", 1, 1,
            bind_double<always<tanh_of>>),
      entry("width_bucket", "math", "width_bucket(x, low, high, count) -> integer",
            "number of the bucket of equal width that x falls into; 0 below, count + 1 above",
            "width_bucket(5.35, 0.024, 10.06, 5)", "3", 4, 4, bind_bucket),
      entry("|", "math", "integer | integer -> integer", "the bits that one of them has", "5 | 3", "7", 2, 2,
            bind_bits<bits::any>),
  };
  return all;
}

}  // namespace sluice::expression
