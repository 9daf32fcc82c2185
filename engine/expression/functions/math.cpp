#include "engine/expression/functions/support.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/values/powers_of_ten.hpp"
#include "engine/values/types.hpp"

#include <cmath>
#include <limits>

namespace sluice::expression {

namespace {

// --- double functions

// Each gives false where the value is not one of a double: outside of the function's domain, or out of range.
using one_double = bool (*)(double x, double& out);
using two_doubles = bool (*)(double x, double y, double& out);

std::string called(const call& c, std::int64_t row) {
  std::string text = static_cast<const call_node&>(c.of).name + "(";
  for (std::size_t i = 0; i < c.args.size(); ++i) text += (i == 0 ? "" : ", ") + argument_text(c, i, row);
  return text + ") is not a number that a double can hold";
}

template <one_double Function>
result<array_ptr> double_kernel(call& c) {
  const column_of<double> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<double>(c, failures, [&](std::int64_t row, double& out) {
    if (!Function(from[row], out)) [[unlikely]]
      failures.add(row, "out_of_range", called(c, row));
  });
}

template <one_double Function>
node_ptr bind_double(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::float64()}, arrow::float64(), double_kernel<Function>);
}

// NaN is neither below zero nor zero: it goes through.
bool square_root(double x, double& out) {
  out = std::sqrt(x);
  return !(x < 0);
}
bool exponential(double x, double& out) {
  out = std::exp(x);
  return !std::isfinite(x) || (std::isfinite(out) && out != 0);
}
bool natural_log(double x, double& out) {
  out = std::log(x);
  return !(x <= 0);
}
bool decimal_log(double x, double& out) {
  out = std::log10(x);
  return !(x <= 0);
}

template <two_doubles Function>
result<array_ptr> two_doubles_kernel(call& c) {
  const column_of<double> left(c.args[0]);
  const column_of<double> right(c.args[1]);
  row_failures failures(c);
  return fill_rows<double>(c, failures, [&](std::int64_t row, double& out) {
    if (!Function(left[row], right[row], out)) [[unlikely]]
      failures.add(row, "out_of_range", called(c, row));
  });
}

// C's pow has the values that PostgreSQL's power has, also for infinities; it differs in what is an error.
bool power_of(double x, double y, double& out) {
  out = std::pow(x, y);
  if (std::isnan(x) || std::isnan(y)) return true;
  if (x == 0 && y < 0) return false;
  if (x < 0 && std::floor(y) != y) return false;
  if (!std::isfinite(x) || !std::isfinite(y)) return true;
  return std::isfinite(out) && (out != 0 || x == 0);
}

// The bases that people use are exact.
bool log_to_base(double base, double x, double& out) {
  out = base == 10 ? std::log10(x) : base == 2 ? std::log2(x) : std::log(x) / std::log(base);
  return !(base <= 0 || x <= 0 || base == 1);
}

node_ptr bind_power(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::float64()}, arrow::float64(), two_doubles_kernel<power_of>);
}

node_ptr bind_log(binder& b, const call_site& site) {
  if (site.args.size() == 1) return bind_double<decimal_log>(b, site);
  return bind_fixed(b, site, {arrow::float64()}, arrow::float64(), two_doubles_kernel<log_to_base>);
}

// --- abs and sign

// A number as it is; an untyped text as a double.
node_ptr number(binder& b, const call_site& site) {
  const auto& from = site.args[0];
  const auto* constant = as_constant(from.value);
  if ((constant != nullptr && constant->untyped) || !is_number_type(*from.value->type))
    return b.coerce(from, arrow::float64(), site.name);
  return from.value;
}

template <class T>
result<array_ptr> abs_kernel(call& c) {
  const column_of<T> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<T>(c, failures, [&](std::int64_t row, T& out) {
    const T value = from[row];
    if constexpr (std::is_floating_point_v<T>) {
      out = std::fabs(value);
    } else {
      if (value == std::numeric_limits<T>::min() && std::is_signed_v<T> && sizeof(T) < 16)
        return failures.add(row, "numeric_overflow",
                            "abs(" + argument_text(c, 0, row) + ") is out of the range of " + type_name(*c.type));
      out = value < 0 ? static_cast<T>(-value) : value;
    }
  });
}

node_ptr bind_abs(binder& b, const call_site& site) {
  const auto from = number(b, site);
  if (!from) return nullptr;
  kernel run = nullptr;
  switch (from->type->id()) {
    case arrow::Type::INT16:
      run = abs_kernel<std::int16_t>;
      break;
    case arrow::Type::INT32:
      run = abs_kernel<std::int32_t>;
      break;
    case arrow::Type::INT64:
      run = abs_kernel<std::int64_t>;
      break;
    case arrow::Type::FLOAT:
      run = abs_kernel<float>;
      break;
    case arrow::Type::DOUBLE:
      run = abs_kernel<double>;
      break;
    case arrow::Type::DECIMAL128:
      run = abs_kernel<int128>;
      break;
    case arrow::Type::DECIMAL256:
      run = wide_abs_kernel();
      break;
    case arrow::Type::UINT64:
      return from;
    default:
      return b.fault(site.at, "not_supported_yet", "abs of " + type_name(*from->type) + " is not supported yet");
  }
  return b.call("abs", from->type, {from}, run);
}

result<array_ptr> sign_kernel(call& c) {
  const column_of<double> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<double>(c, failures, [&](std::int64_t row, double& out) {
    out = from[row] > 0 ? 1 : from[row] < 0 ? -1 : 0;
  });
}

node_ptr bind_sign(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::float64()}, arrow::float64(), sign_kernel);
}

node_ptr bind_mod(binder& b, const call_site& site) {
  return b.arithmetic_of(arithmetic::modulo, site.args[0], site.args[1], site.at);
}

// --- rounding

template <rounding How>
double round_whole(double x) {
  switch (How) {
    case rounding::nearest:
      return std::nearbyint(x);
    case rounding::down:
      return std::floor(x);
    case rounding::up:
      return std::ceil(x);
    default:
      return std::trunc(x);
  }
}

double power_of_ten(int digits) { return digits <= 22 ? exact_powers_of_ten[digits] : std::pow(10.0, digits); }

// To `digits` places, half away from zero, of the product with ten to the digits.
template <rounding How>
double round_places(double x, std::int32_t digits) {
  if (!std::isfinite(x) || digits > 300) return x;
  if (digits < -308) return 0;
  const double scale = power_of_ten(std::abs(digits));
  const double scaled = digits >= 0 ? x * scale : x / scale;
  if (!(std::fabs(scaled) < 4503599627370496.0)) return x;  // no places are left
  const double rounded = How == rounding::nearest ? std::round(scaled) : std::trunc(scaled);
  return digits >= 0 ? rounded / scale : rounded * scale;
}

template <rounding How>
result<array_ptr> whole_kernel(call& c) {
  const column_of<double> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<double>(c, failures, [&](std::int64_t row, double& out) { out = round_whole<How>(from[row]); });
}

template <rounding How>
result<array_ptr> places_kernel(call& c) {
  const column_of<double> from(c.args[0]);
  const column_of<std::int32_t> digits(c.args[1]);
  row_failures failures(c);
  return fill_rows<double>(c, failures,
                           [&](std::int64_t row, double& out) { out = round_places<How>(from[row], digits[row]); });
}

template <rounding How>
int128 round_decimal(int128 value, int drop) {
  if (drop <= 0) return value;
  if (drop > most_digits) return 0;
  const auto unit = powers_of_ten[static_cast<std::size_t>(drop)];
  if (How == rounding::nearest) return divide_rounding(value, unit);
  const auto quotient = value / unit;
  const auto rest = value % unit;
  if (How == rounding::down && rest < 0) return quotient - 1;
  if (How == rounding::up && rest > 0) return quotient + 1;
  return quotient;
}

// Rounds a decimal to the scale of the result, or with a second argument to as many places.
template <rounding How>
result<array_ptr> decimal_kernel(call& c) {
  const column_of<int128> from(c.args[0]);
  const int scale = scale_of(*c.args[0].array->type());
  const int kept = scale_of(*c.type);
  row_failures failures(c);
  return fill_rows<int128>(c, failures, [&](std::int64_t row, int128& out) {
    int places = kept;
    if (c.args.size() > 1) places = std::clamp(column_of<std::int32_t>(c.args[1])[row], -most_digits, kept);
    out = round_decimal<How>(from[row], scale - places);
    if (kept > places && shift_left(out, kept - places, out)) out = powers_of_ten[most_digits];
    if (!fits(out, precision_of(*c.type)))
      failures.add(row, "numeric_overflow",
                   static_cast<const call_node&>(c.of).name + "(" + argument_text(c, 0, row) +
                       ") is out of the range of " + type_name(*c.type));
  });
}

// Quotients have many places: once rounded to a few they are decimals of 38 digits again, as others are.
type_ptr rounded_type(const arrow::DataType& from, int kept, bool carries) {
  constexpr int few_places = 18;
  const int whole = precision_of(from) - scale_of(from);
  const int precision = whole + kept + (carries ? 1 : 0);
  const bool wide = from.id() == arrow::Type::DECIMAL256;
  if (wide && whole <= most_digits && kept <= few_places && kept < scale_of(from))
    return make_decimal(std::min(precision, most_digits), kept);
  return make_decimal(precision, kept, wide);
}

template <rounding How>
node_ptr bind_rounding(binder& b, const call_site& site) {
  auto from = number(b, site);
  if (!from) return nullptr;
  const bool places = site.args.size() > 1;
  if (is_integer_type(*from->type))
    from = places ? b.cast({from, site.args[0].at}, decimal_for(*from->type))
                  : b.cast({from, site.args[0].at}, arrow::float64());
  if (!from) return nullptr;
  node_ptr digits;
  if (places) {
    digits = b.coerce(site.args[1], arrow::int32(), "argument 2 of " + site.name);
    if (!digits) return nullptr;
  }
  if (is_decimal_type(*from->type)) {
    const int scale = scale_of(*from->type);
    const auto wanted = places ? constant_integer(digits) : 0;
    const int kept = wanted ? static_cast<int>(std::clamp<std::int64_t>(*wanted, 0, scale)) : scale;
    const bool wide = from->type->id() == arrow::Type::DECIMAL256;
    const bool carries = !wanted || *wanted < scale;  // 99.9 becomes 100
    const auto type = rounded_type(*from->type, kept, carries);
    std::vector<node_ptr> inputs{from};
    if (places) inputs.push_back(digits);
    return b.call(site.name, type, std::move(inputs), wide ? wide_rounding_kernel(How) : decimal_kernel<How>);
  }
  from = b.cast({from, site.args[0].at}, arrow::float64());
  if (!places) return b.call(site.name, arrow::float64(), {from}, whole_kernel<How>);
  return b.call(site.name, arrow::float64(), {from, digits}, places_kernel<How>);
}

}  // namespace

const std::vector<function>& math_functions() {
  static const std::vector<function> all = {
      entry("abs", "math", "abs(number) -> type of the number", "the absolute value", "abs(-7)", "7", 1, 1, bind_abs),
      entry("ceil", "math", "ceil(number) -> double, decimal for decimals", "rounds up to a whole number", "ceil(-1.5)",
            "-1", 1, 1, bind_rounding<rounding::up>),
      entry("ceiling", "math", "ceiling(number) -> double, decimal for decimals", "the same as ceil", "ceiling(1.2)",
            "2", 1, 1, bind_rounding<rounding::up>),
      entry("exp", "math", "exp(double) -> double", "e raised to the power of the value", "exp(0)", "1", 1, 1,
            bind_double<exponential>),
      entry("floor", "math", "floor(number) -> double, decimal for decimals", "rounds down to a whole number",
            "floor(-1.5)", "-2", 1, 1, bind_rounding<rounding::down>),
      entry("ln", "math", "ln(double) -> double", "natural logarithm", "ln(1)", "0", 1, 1, bind_double<natural_log>),
      entry("log", "math", "log(double) or log(base, double) -> double", "logarithm to base 10, or to the given base",
            "log(100)", "2", 1, 2, bind_log),
      entry("mod", "math", "mod(number, number) -> number",
            "remainder of the division; it has the sign of the first number", "mod(-7, 3)", "-1", 2, 2, bind_mod),
      entry("pow", "math", "pow(double, double) -> double", "the same as power", "pow(2, 10)", "1024", 2, 2,
            bind_power),
      entry("power", "math", "power(double, double) -> double",
            "the first number raised to the power of the second; also x ^ y", "power(2, 3)", "8", 2, 2, bind_power),
      entry("round", "math", "round(number) or round(number, digits) -> double, decimal for decimals",
            "rounds to a whole number or to decimal places; halves are rounded away from zero, except in "
            "round(double), which rounds them to even",
            "round(2.345, 2)", "2.35", 1, 2, bind_rounding<rounding::nearest>),
      entry("sign", "math", "sign(double) -> double", "-1, 0 or 1", "sign(-3.5)", "-1", 1, 1, bind_sign),
      entry("sqrt", "math", "sqrt(double) -> double", "square root", "sqrt(9)", "3", 1, 1, bind_double<square_root>),
      entry("trunc", "math", "trunc(number) or trunc(number, digits) -> double, decimal for decimals",
            "rounds towards zero, to a whole number or to decimal places", "trunc(-2.789, 1)", "-2.7", 1, 2,
            bind_rounding<rounding::toward_zero>),
  };
  return all;
}

}  // namespace sluice::expression
