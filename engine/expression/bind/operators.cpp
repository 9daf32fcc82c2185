// The operators: which types they take, and what they give.
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_parse.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <map>
#include <optional>

namespace sluice::expression {

namespace {

const std::map<std::string, arithmetic> arithmetics = {{"+", arithmetic::add},
                                                       {"-", arithmetic::subtract},
                                                       {"*", arithmetic::multiply},
                                                       {"/", arithmetic::divide},
                                                       {"%", arithmetic::modulo}};
const std::map<std::string, comparison> comparisons = {{"=", comparison::equal},   {"<>", comparison::not_equal},
                                                       {"<", comparison::less},    {"<=", comparison::less_equal},
                                                       {">", comparison::greater}, {">=", comparison::greater_equal}};

std::string sign_of(arithmetic op) {
  for (const auto& [sign, each] : arithmetics)
    if (each == op) return sign;
  return {};
}
std::string sign_of(comparison op) {
  for (const auto& [sign, each] : comparisons)
    if (each == op) return sign;
  return {};
}

bool is_null_literal(const node_ptr& of) { return of->type->id() == arrow::Type::NA; }

// True for the midnight that a date stands for where it is compared with times.
bool is_midnight(const constant_node& constant) {
  const auto& type = *constant.type;
  if (type.id() != arrow::Type::TIMESTAMP || constant.is_null()) return false;
  if (!static_cast<const arrow::TimestampType&>(type).timezone().empty()) return false;
  constexpr std::int64_t day = 86'400'000'000;
  return static_cast<const arrow::TimestampArray&>(*constant.value).Value(0) % day == 0;
}

// The text of a number behind any signs.
std::optional<std::string> signed_number(const syntax& of) {
  if (of.kind == syntax_kind::number) return of.text;
  if (of.kind != syntax_kind::unary || (of.text != "-" && of.text != "+")) return {};
  auto inner = signed_number(*of.args[0]);
  if (!inner || of.text == "+") return inner;
  return inner->starts_with('-') ? inner->substr(1) : "-" + *inner;
}

}  // namespace

std::string kind_of(const node_ptr& of) {
  const auto* constant = as_constant(of);
  if (constant != nullptr && constant->type->id() == arrow::Type::NA) return "null";
  return type_name(*of->type);
}

bool is_untyped(const node_ptr& of) {
  const auto* constant = as_constant(of);
  return constant != nullptr && (constant->untyped || constant->type->id() == arrow::Type::NA);
}

node_ptr binder::no_operator(const std::string& op, const argument& left, const argument& right, std::size_t at) {
  std::string hint;
  const bool left_text = is_text_type(*left.value->type);
  const bool right_text = is_text_type(*right.value->type);
  if (op == "+" && left_text && right_text)
    hint = "use || to join texts";
  else if (left_text != right_text)
    hint = left_text ? "cast it: " + text_of(*left.value) + "::" + type_name(*right.value->type)
                     : "cast it: " + text_of(*right.value) + "::" + type_name(*left.value->type);
  else
    hint = "cast one side to the type of the other, for example x::text";
  return fault(at, "type_mismatch", "there is no " + kind_of(left.value) + " " + op + " " + kind_of(right.value), hint);
}

node_ptr binder::meet(const argument& from, const type_ptr& to) {
  const auto* constant = as_constant(from.value);
  if (constant == nullptr || !constant->untyped || !is_decimal_type(*to)) return cast(from, to);
  const std::string text(static_cast<const arrow::StringArray&>(*constant->value).GetView(0));
  wide_words value{};
  constexpr int most = 76;
  if (parse_exact_decimal(text, precision_of(*to), scale_of(*to), value) == parsed::out_of_range) {
    int scale = 0;
    while (scale < most && parse_exact_decimal(text, most, scale, value) != parsed::good) ++scale;
    int precision = std::max(scale, 1);
    while (precision < most && parse_exact_decimal(text, precision, scale, value) != parsed::good) ++precision;
    if (parse_exact_decimal(text, precision, scale, value) == parsed::good)
      return read_literal(*constant,
                          precision <= 38 ? arrow::decimal128(precision, scale) : arrow::decimal256(precision, scale),
                          from.at);
    return fault(from.at, "invalid_literal", "the number '" + text + "' has more than 76 digits");
  }
  return cast(from, to);
}

// An untyped text or null takes the other side's type; two of them are text.
bool binder::align(argument& left, argument& right) {
  const bool left_untyped = is_untyped(left.value);
  const bool right_untyped = is_untyped(right.value);
  if (left_untyped && right_untyped) {
    left.value = settle(left);
    right.value = settle(right);
  } else if (left_untyped) {
    left.value = meet(left, right.value->type);
  } else if (right_untyped) {
    right.value = meet(right, left.value->type);
  }
  return left.value != nullptr && right.value != nullptr;
}

// A constant decimal has no more digits than it needs: 1 in 1 - discount is decimal(1,0).
node_ptr binder::narrow_decimal(const node_ptr& of) {
  const auto* constant = as_constant(of);
  if (constant == nullptr || constant->is_null() || of->type->id() != arrow::Type::DECIMAL128) return of;
  const int scale = scale_of(*of->type);
  int128 value = 0;
  std::memcpy(&value, static_cast<const arrow::Decimal128Array&>(*constant->value).GetValue(0), sizeof value);
  int precision = std::max(scale, 1);
  while (precision < 38 && !fits(value, precision)) ++precision;
  auto data = constant->value->data()->Copy();
  data->type = arrow::decimal128(precision, scale);
  return std::make_shared<constant_node>(arrow::MakeArray(std::move(data)));
}

node_ptr binder::arithmetic_of(arithmetic op, argument left, argument right, std::size_t at) {
  const bool temporal = !is_number_type(*left.value->type) || !is_number_type(*right.value->type);
  // '1 day' beside a timestamp is an interval, beside a date a number of days would be an integer: ask.
  if (temporal && is_untyped(right.value) && left.value->type->id() == arrow::Type::TIMESTAMP &&
      !is_null_literal(right.value)) {
    diagnostics ignored;
    std::swap(ignored, faults_);
    auto as_interval = cast(right, interval_type());
    std::swap(ignored, faults_);
    if (as_interval) right.value = as_interval;
  }
  if (!align(left, right)) return nullptr;
  return is_number_type(*left.value->type) && is_number_type(*right.value->type)
             ? number_arithmetic(op, std::move(left), std::move(right), at)
             : temporal_arithmetic(op, std::move(left), std::move(right), at);
}

node_ptr binder::number_arithmetic(arithmetic op, argument left, argument right, std::size_t at) {
  const auto sign = sign_of(op);
  auto type = common_number(left.value->type, right.value->type);
  if (is_decimal_type(*type)) {
    const auto as_decimal = [&](const argument& side) {
      if (is_decimal_type(*side.value->type)) return narrow_decimal(side.value);
      return narrow_decimal(cast(side, decimal_for(*side.value->type)));
    };
    left.value = as_decimal(left);
    right.value = as_decimal(right);
    if (!left.value || !right.value) return nullptr;
    type = decimal_result(op, *left.value->type, *right.value->type);
    if (type == nullptr)
      return fault(at, "not_supported_yet", "the result of " + sign + " would have more than 76 decimal places",
                   "round the sides first, or cast to double");
    const auto is_wide = [](const type_ptr& of) { return of->id() == arrow::Type::DECIMAL256; };
    if (is_wide(left.value->type) || is_wide(right.value->type) || is_wide(type))
      return call(sign, type, {left.value, right.value}, wide_arithmetic_kernel(op), {.form = notation::infix});
  } else {
    left.value = cast(left, type);
    right.value = cast(right, type);
  }
  if (!left.value || !right.value) return nullptr;
  return call(sign, type, {left.value, right.value}, find_arithmetic_kernel(op, *type), {.form = notation::infix});
}

node_ptr binder::temporal_arithmetic(arithmetic op, argument left, argument right, std::size_t at) {
  const auto sign = sign_of(op);
  const auto& a = *left.value->type;
  const auto& b = *right.value->type;
  // Days: date - date, date + 7, 7 + date.
  if (op == arithmetic::subtract && a.id() == arrow::Type::DATE32 && b.id() == arrow::Type::DATE32)
    return call(sign, arrow::int32(), {left.value, right.value}, find_arithmetic_kernel(op, *arrow::int32()),
                {.form = notation::infix});
  if (op == arithmetic::add && b.id() == arrow::Type::DATE32 && a.id() != arrow::Type::DATE32) std::swap(left, right);
  if ((op == arithmetic::add || op == arithmetic::subtract) && left.value->type->id() == arrow::Type::DATE32 &&
      is_integer_type(*right.value->type)) {
    auto days = coerce(right, arrow::int32(), "date " + sign);
    return days ? call(sign, arrow::date32(), {left.value, days}, find_arithmetic_kernel(op, *arrow::int32()),
                       {.form = notation::infix})
                : nullptr;
  }
  if (op == arithmetic::subtract && !a.Equals(b) && common_type(left.value->type, right.value->type)) {
    const auto type = common_type(left.value->type, right.value->type);
    left.value = cast(left, type);
    right.value = cast(right, type);
  }
  if ((op == arithmetic::add || op == arithmetic::multiply) &&
      left.value->type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO &&
      right.value->type->id() != arrow::Type::INTERVAL_MONTH_DAY_NANO && !is_number_type(*right.value->type))
    std::swap(left, right);
  if (op == arithmetic::multiply && right.value->type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO)
    std::swap(left, right);
  if (left.value->type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO && is_number_type(*right.value->type))
    right.value = cast(right, arrow::float64());
  if (left.value->type->id() == arrow::Type::TIME64 && right.value->type->id() == arrow::Type::DATE32)
    std::swap(left, right);
  const auto found = find_temporal_kernel(op, *left.value->type, *right.value->type);
  if (found.run == nullptr) return no_operator(sign, left, right, at);
  return call(sign, found.type, {left.value, right.value}, found.run, {.form = notation::infix});
}

// The constant in the type of the column, if it is the same value there; else null.
node_ptr binder::narrow_constant(const argument& constant, const argument& column) {
  if (as_constant(constant.value) == nullptr || as_constant(column.value) != nullptr) return nullptr;
  const auto& from = constant.value->type;
  const auto& to = column.value->type;
  if (from->Equals(*to)) return constant.value;
  type_ptr wanted = to;
  if (is_decimal_type(*to)) {
    if (to->id() != arrow::Type::DECIMAL128 || is_floating_type(*from)) return nullptr;
    if (is_decimal_type(*from) && scale_of(*from) > scale_of(*to)) return nullptr;
    wanted = arrow::decimal128(most_digits, scale_of(*to));  // a greater number than the column can hold is fine
  } else if (to->id() == arrow::Type::DATE32) {
    if (!is_midnight(*as_constant(constant.value))) return nullptr;
  } else if (!is_integer_type(*to) || !is_integer_type(*from)) {
    return nullptr;
  }
  auto* const run = find_cast_kernel(*from, *wanted);
  if (run == nullptr) return nullptr;
  return fold(std::make_shared<call_node>("cast", wanted, std::vector<node_ptr>{constant.value}, run,
                                          call_node::options{.form = notation::cast}));
}

node_ptr binder::compare(comparison op, argument left, argument right, std::size_t at) {
  const auto sign = sign_of(op);
  if (!align(left, right)) return nullptr;
  auto type = common_type(left.value->type, right.value->type);
  if (type != nullptr && is_json_type(*type))
    return fault(at, "type_mismatch", "json values can't be compared", "compare x->>'key', or x::text");
  if (type == nullptr || find_comparison_kernel(op, *type) == nullptr) {
    if (type != nullptr)
      return fault(at, "not_supported_yet", "comparing values of type " + type_name(*type) + " is not supported yet");
    return no_operator(sign, left, right, at);
  }
  // A constant that fits the column's type saves converting the column.
  if (is_integer_type(*type) || is_decimal_type(*type) || type->id() == arrow::Type::TIMESTAMP) {
    if (auto narrowed = narrow_constant(right, left)) {
      right.value = narrowed;
      type = left.value->type;
    } else if ((narrowed = narrow_constant(left, right))) {
      left.value = narrowed;
      type = right.value->type;
    }
  }
  // Decimals compare whatever their scales are.
  const auto converted = [&](const argument& side) {
    if (is_decimal_type(*type))
      return is_decimal_type(*side.value->type) ? side.value : cast(side, decimal_for(*side.value->type));
    return cast(side, type);
  };
  left.value = converted(left);
  right.value = converted(right);
  if (!left.value || !right.value) return nullptr;
  return call(sign, arrow::boolean(), {left.value, right.value}, find_comparison_kernel(op, *type),
              {.form = notation::infix});
}

node_ptr binder::condition(const syntax& of, const std::string& what) {
  const argument value{bind(of), of.begin};
  if (!value.value) return nullptr;
  if (value.value->type->id() == arrow::Type::BOOL) return value.value;
  if (is_untyped(value.value)) return cast(value, arrow::boolean());
  return fault(of.begin, "type_mismatch", what + " expects boolean, found " + kind_of(value.value),
               "write a condition, for example x > 0");
}

node_ptr binder::bind_unary(const syntax& of) {
  if (of.text == "not") {
    auto value = condition(*of.args[0], "not");
    return value ? call("not ", arrow::boolean(), {std::move(value)}, not_kernel, {.form = notation::prefix}) : nullptr;
  }
  const auto& inner = *of.args[0];
  // Read with its signs: the smallest bigint has no positive counterpart, and -(-2147483648) is a bigint.
  if (const auto number = signed_number(of)) return bind_number(*number, inner.begin);
  const argument value{bind(inner), inner.begin};
  if (!value.value) return nullptr;
  if (is_null_literal(value.value)) return value.value;
  const auto& type = value.value->type;
  const bool is_interval = type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO;
  if (of.text == "+" && (is_number_type(*type) || is_interval)) return value.value;
  if (is_interval) {
    auto zero = cast(
        {std::make_shared<constant_node>(*arrow::MakeArrayFromScalar(arrow::StringScalar("0 s"), 1), true), of.begin},
        type);
    return arithmetic_of(arithmetic::subtract, {zero, of.begin}, value, of.begin);
  }
  const auto run = find_negation_kernel(*type);
  if (run == nullptr)
    return fault(of.begin, "type_mismatch", "there is no " + of.text + kind_of(value.value),
                 is_text_type(*type) ? "cast it: x::double" : "");
  return call("-", type, {value.value}, run, {.form = notation::prefix});
}

node_ptr binder::bind_junction(const syntax& of) {
  auto left = condition(*of.args[0], of.text);
  auto right = condition(*of.args[1], of.text);
  if (!left || !right) return nullptr;
  return junction(of.text == "and", std::move(left), std::move(right));
}

node_ptr binder::junction(bool is_and, node_ptr left, node_ptr right) {
  // A constant left side decides, or leaves the right one. The right one may not decide: the left's errors count.
  if (const auto* constant = as_constant(left); constant != nullptr && !constant->is_null()) {
    const bool value = static_cast<const arrow::BooleanArray&>(*constant->value).Value(0);
    return value == is_and ? right : left;
  }
  if (const auto* constant = as_constant(right); constant != nullptr && !constant->is_null()) {
    if (static_cast<const arrow::BooleanArray&>(*constant->value).Value(0) == is_and) return left;
  }
  const bool constant = as_constant(left) != nullptr && as_constant(right) != nullptr;
  auto made = make_junction(is_and, std::move(left), std::move(right));
  return constant ? fold(std::move(made)) : made;
}

node_ptr binder::bind_binary(const syntax& of) {
  if (of.text == "and" || of.text == "or") return bind_junction(of);
  bool good = true;
  auto sides = bind_all(of.args, good);
  if (!good) return nullptr;
  if (const auto found = arithmetics.find(of.text); found != arithmetics.end())
    return arithmetic_of(found->second, sides[0], sides[1], of.begin);
  if (const auto found = comparisons.find(of.text); found != comparisons.end())
    return compare(found->second, sides[0], sides[1], of.begin);
  // The other operators are functions in disguise.
  static const std::map<std::string, std::string> functions = {{"||", "||"}, {"^", "power"}, {"~", "~"},  {"~*", "~*"},
                                                               {"!~", "~"},  {"!~*", "~*"},  {"&", "&"},  {"|", "|"},
                                                               {"#", "#"},   {"<<", "<<"},   {">>", ">>"}};
  const auto renamed = functions.find(of.text);
  const auto& name = renamed == functions.end() ? of.text : renamed->second;
  const auto* known = find_function(name);
  if (known == nullptr)
    return fault(of.begin, "not_supported_yet", "the operator " + of.text + " is not supported yet",
                 of.text == "@?"   ? "write jsonb_path_exists(x, 'path')"
                 : of.text == "^@" ? "write starts_with(x, 'start')"
                                   : "");
  auto made = known->bind(*this, {name, of.begin, std::move(sides)});
  if (made && of.text[0] == '!')
    return call("not ", arrow::boolean(), {std::move(made)}, not_kernel, {.form = notation::prefix});
  return made;
}

}  // namespace sluice::expression
