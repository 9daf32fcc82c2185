#include "engine/expression/bind/typing.hpp"

#include "engine/values/marked_text.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/decimal.h>

#include <algorithm>

namespace sluice::expression {

namespace {

// Places in the order of numeric promotion; real only meets its own.
int rank(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT16:
      return 1;
    case arrow::Type::INT32:
      return 2;
    case arrow::Type::INT64:
      return 3;
    case arrow::Type::UINT64:
      return 4;
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return 5;
    case arrow::Type::FLOAT:
      return 6;
    case arrow::Type::DOUBLE:
      return 7;
    default:
      return 0;
  }
}

int precision_of(const arrow::DataType& type) { return static_cast<const arrow::DecimalType&>(type).precision(); }
int scale_of(const arrow::DataType& type) { return static_cast<const arrow::DecimalType&>(type).scale(); }

int temporal_rank(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DATE32) return 1;
  if (type.id() != arrow::Type::TIMESTAMP) return 0;
  return is_timestamptz(type) ? 3 : 2;
}

}  // namespace

bool is_integer_type(const arrow::DataType& type) { return rank(type) >= 1 && rank(type) <= 4; }
bool is_decimal_type(const arrow::DataType& type) { return rank(type) == 5; }
bool is_floating_type(const arrow::DataType& type) { return rank(type) >= 6; }
bool is_number_type(const arrow::DataType& type) { return rank(type) > 0; }
bool is_text_type(const arrow::DataType& type) { return type.id() == arrow::Type::STRING; }
bool is_timestamptz(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP && !static_cast<const arrow::TimestampType&>(type).timezone().empty();
}

type_ptr decimal_for(const arrow::DataType& integer) {
  switch (integer.id()) {
    case arrow::Type::INT16:
      return arrow::decimal128(5, 0);
    case arrow::Type::INT32:
      return arrow::decimal128(10, 0);
    case arrow::Type::INT64:
      return arrow::decimal128(19, 0);
    default:
      return arrow::decimal128(20, 0);
  }
}

type_ptr make_decimal(int precision, int scale, bool wide) {
  precision = std::max(precision, 1);
  if (precision <= 38) return arrow::decimal128(precision, scale);
  if (!wide && scale <= 38) return arrow::decimal128(38, scale);
  return arrow::decimal256(std::min(precision, 76), std::min(scale, 76));
}

type_ptr common_number(const type_ptr& left, const type_ptr& right) {
  if (left->Equals(*right)) return left;
  const int high = std::max(rank(*left), rank(*right));
  const int low = std::min(rank(*left), rank(*right));
  if (high >= 6) return high == low ? left : arrow::float64();
  if (high <= 3) return high == rank(*left) ? left : right;
  const auto a = is_decimal_type(*left) ? left : decimal_for(*left);
  const auto b = is_decimal_type(*right) ? right : decimal_for(*right);
  const int scale = std::max(scale_of(*a), scale_of(*b));
  const int whole = std::max(precision_of(*a) - scale_of(*a), precision_of(*b) - scale_of(*b));
  const bool wide = a->id() == arrow::Type::DECIMAL256 || b->id() == arrow::Type::DECIMAL256;
  return make_decimal(whole + scale, scale, wide);
}

int quotient_places(int scale, int whole_digits) {
  constexpr int group = 4;  // decimal digits of one of PostgreSQL's digits
  constexpr int significant = 16;
  const auto ten_to = [](int power) {
    int value = 1;
    for (; power > 0; --power) value *= 10;
    return value;
  };
  const auto floored = [](int value) { return value >= 0 ? value / group : -((group - 1 - value) / group); };
  // The weight and the first digit of 10^-scale, and of 10^whole_digits - 1.
  const int weight1 = floored(-scale);
  const int first1 = ten_to(-scale - group * weight1);
  const int weight2 = floored(whole_digits - 1);
  const int first2 = ten_to(whole_digits - group * weight2) - 1;
  const int weight = weight1 - weight2 - (first1 <= first2 ? 1 : 0);
  return std::max(significant - group * weight, scale);
}

type_ptr decimal_result(arithmetic op, const arrow::DataType& left, const arrow::DataType& right) {
  const int p1 = precision_of(left), s1 = scale_of(left);
  const int p2 = precision_of(right), s2 = scale_of(right);
  const bool wide = left.id() == arrow::Type::DECIMAL256 || right.id() == arrow::Type::DECIMAL256;
  constexpr int most_digits = 76;
  switch (op) {
    case arithmetic::add:
    case arithmetic::subtract:
      return make_decimal(std::max(p1 - s1, p2 - s2) + 1 + std::max(s1, s2), std::max(s1, s2), wide);
    case arithmetic::multiply:
      return s1 + s2 > 76 ? nullptr : make_decimal(p1 + p2, s1 + s2, wide);
    case arithmetic::divide: {
      const int whole = std::max(p1 - s1 + s2, 1);
      const int scale = std::max({std::min(quotient_places(s1, p2 - s2), most_digits - whole), s1, s2});
      return make_decimal(whole + scale, std::min(scale, most_digits), true);
    }
    case arithmetic::modulo:
      return make_decimal(std::min(p1 - s1, p2 - s2) + std::max(s1, s2), std::max(s1, s2), wide);
  }
  return nullptr;
}

type_ptr common_type(const type_ptr& left, const type_ptr& right) {
  if (same_type(*left, *right)) return left;
  if (left->id() == arrow::Type::STRING && right->id() == arrow::Type::STRING)
    return is_json_type(*left) || is_json_type(*right) ? nullptr : arrow::utf8();
  if (left->id() == arrow::Type::LIST && right->id() == arrow::Type::LIST) {
    const auto element = common_type(left->field(0)->type(), right->field(0)->type());
    return element ? arrow::list(element) : nullptr;
  }
  if (left->Equals(*right)) return nullptr;  // of structs that differ in marks
  if (left->id() == arrow::Type::NA) return right;
  if (right->id() == arrow::Type::NA) return left;
  if (is_number_type(*left) && is_number_type(*right)) return common_number(left, right);
  const int a = temporal_rank(*left);
  const int b = temporal_rank(*right);
  if (a > 0 && b > 0) return a > b ? left : right;
  return nullptr;
}

bool is_implicit(const arrow::DataType& from, const arrow::DataType& to) {
  if (same_type(from, to) || from.id() == arrow::Type::NA) return true;
  // What is text is good for text; JSON is no text.
  if (from.id() == arrow::Type::STRING && to.id() == arrow::Type::STRING)
    return mark_of(to) == text_mark::none && !is_json_type(from);
  if (from.id() == arrow::Type::LIST && to.id() == arrow::Type::LIST)
    return is_implicit(*from.field(0)->type(), *to.field(0)->type());
  if (is_number_type(from) && is_number_type(to)) {
    if (is_floating_type(to)) return to.id() == arrow::Type::DOUBLE || from.id() == arrow::Type::FLOAT;
    if (is_floating_type(from)) return false;
    return rank(from) <= rank(to) && !(from.id() == arrow::Type::INT64 && to.id() == arrow::Type::UINT64);
  }
  const int a = temporal_rank(from);
  const int b = temporal_rank(to);
  return a > 0 && b > 0 && a <= b;
}

}  // namespace sluice::expression
