// IS, BETWEEN, IN, LIKE and CASE: what is built from comparisons.
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <optional>

namespace sluice::expression {

namespace {

// Whether a constant condition is true; nothing for one that rows decide.
std::optional<bool> truth_of(const node_ptr& condition) {
  const auto* constant = as_constant(condition);
  if (constant == nullptr) return {};
  return !constant->is_null() && static_cast<const arrow::BooleanArray&>(*constant->value).Value(0);
}

}  // namespace

node_ptr binder::is_distinct(argument left, argument right, bool negated, std::size_t at) {
  if (!align(left, right)) return nullptr;
  const auto type = common_type(left.value->type, right.value->type);
  if (type == nullptr || find_distinct_kernel(negated, *type) == nullptr)
    return no_operator("is distinct from", left, right, at);
  left.value = cast(left, type);
  right.value = cast(right, type);
  if (!left.value || !right.value) return nullptr;
  return call(negated ? "is not distinct from" : "is distinct from", arrow::boolean(), {left.value, right.value},
              find_distinct_kernel(negated, *type), {.form = notation::infix, .null_in_null_out = false});
}

node_ptr binder::bind_test(const syntax& of) {
  if (of.kind == syntax_kind::is_distinct) {
    bool good = true;
    auto sides = bind_all(of.args, good);
    return good ? is_distinct(sides[0], sides[1], of.negated, of.begin) : nullptr;
  }
  if (of.kind == syntax_kind::is_boolean) {
    auto value = condition(*of.args[0], "is " + of.text);
    return value ? call(std::string("is ") + (of.negated ? "not " : "") + of.text, arrow::boolean(), {std::move(value)},
                        find_is_boolean_kernel(of.text == "true", of.negated),
                        {.form = notation::suffix, .null_in_null_out = false})
                 : nullptr;
  }
  auto value = settle({bind(*of.args[0]), of.args[0]->begin});
  if (!value) return nullptr;
  return call(of.negated ? "is not null" : "is null", arrow::boolean(), {std::move(value)},
              of.negated ? is_not_null_kernel : is_null_kernel, {.form = notation::suffix, .null_in_null_out = false});
}

node_ptr binder::bind_between(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  auto value = parts[0];
  if (is_untyped(value.value)) {
    if (!align(value, parts[1])) return nullptr;
  }
  if (value.value->inputs.empty() == false) value.value = std::make_shared<shared_node>(value.value);
  auto low = compare(comparison::greater_equal, value, parts[1], of.begin);
  auto high = compare(comparison::less_equal, value, parts[2], of.begin);
  if (!low || !high) return nullptr;
  auto both = junction(true, std::move(low), std::move(high));
  if (!of.negated) return both;
  return call("not ", arrow::boolean(), {std::move(both)}, not_kernel, {.form = notation::prefix});
}

node_ptr binder::bind_in(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  auto value = parts[0];
  bool constants = true;
  for (std::size_t i = 1; i < parts.size(); ++i) constants = constants && as_constant(parts[i].value) != nullptr;
  node_ptr found;
  // Many constants are looked up in a table; few are compared one by one.
  if (constants && parts.size() > 4 && as_constant(value.value) == nullptr) {
    auto unified = parts;
    diagnostics ignored;
    std::swap(ignored, faults_);
    const auto type = unify(unified, "in");
    std::swap(ignored, faults_);
    const bool can_look_up = type && !is_floating_type(*type) && type->id() != arrow::Type::BOOL &&
                             !arrow::is_nested(type->id()) && type->id() != arrow::Type::INTERVAL_MONTH_DAY_NANO;
    if (can_look_up) {
      arrow::ArrayVector items;
      for (std::size_t i = 1; i < unified.size(); ++i)
        items.push_back(as_constant(unified[i].value) ? as_constant(unified[i].value)->value : nullptr);
      if (std::find(items.begin(), items.end(), nullptr) == items.end()) {
        auto all = arrow::Concatenate(items);
        if (all.ok()) found = make_lookup(unified[0].value, std::move(all).ValueUnsafe());
      }
    }
  }
  if (!found) {
    if (!value.value->inputs.empty()) value.value = std::make_shared<shared_node>(value.value);
    for (std::size_t i = 1; i < parts.size(); ++i) {
      auto equal = compare(comparison::equal, value, parts[i], parts[i].at);
      good = good && equal;
      if (good) found = found ? junction(false, std::move(found), std::move(equal)) : std::move(equal);
    }
    if (!good) return nullptr;
  }
  if (!of.negated) return found;
  return call("not ", arrow::boolean(), {std::move(found)}, not_kernel, {.form = notation::prefix});
}

node_ptr binder::bind_like(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  auto made = find_function(of.text)->bind(*this, {of.text, of.begin, std::move(parts)});
  if (!made || !of.negated) return made;
  return call("not ", arrow::boolean(), {std::move(made)}, not_kernel, {.form = notation::prefix});
}

type_ptr binder::unify(std::vector<argument>& values, const std::string& what) {
  type_ptr type;
  for (const auto& value : values) {
    if (is_untyped(value.value) || value.value->type->id() == arrow::Type::NA) continue;
    const auto next = type ? common_type(type, value.value->type) : value.value->type;
    if (next == nullptr) {
      fault(value.at, "type_mismatch",
            what + " needs values of the same type, found " + type_name(*type) + " and " + kind_of(value.value),
            "cast it: " + text_of(*value.value) + "::" + type_name(*type));
      return nullptr;
    }
    type = next;
  }
  if (!type) type = arrow::utf8();
  if (is_decimal_type(*type)) {
    for (auto& value : values) {
      if (!is_untyped(value.value)) continue;
      value.value = meet(value, type);
      if (!value.value) return nullptr;
      type = common_type(type, value.value->type);
    }
  }
  for (auto& value : values) {
    value.value = cast(value, type);
    if (!value.value) return nullptr;
  }
  return type;
}

node_ptr binder::bind_branches(const syntax& of) {
  bool good = true;
  std::size_t at = 0;
  argument operand_value;
  if (of.has_operand) {
    operand_value = {bind(*of.args[0]), of.args[0]->begin};
    good = operand_value.value != nullptr;
    if (good && is_untyped(operand_value.value)) operand_value.value = settle(operand_value);
    if (good && !operand_value.value->inputs.empty())
      operand_value.value = std::make_shared<shared_node>(operand_value.value);
    at = 1;
  }
  const auto pairs_end = of.args.size() - (of.has_else ? 1 : 0);
  std::vector<node_ptr> conditions;
  std::vector<argument> values;
  for (; at + 1 < pairs_end; at += 2) {
    const auto& when = *of.args[at];
    if (of.has_operand) {
      const argument candidate{bind(when), when.begin};
      conditions.push_back(candidate.value && operand_value.value
                               ? compare(comparison::equal, operand_value, candidate, when.begin)
                               : nullptr);
    } else {
      conditions.push_back(condition(when, "when"));
    }
    values.push_back({bind(*of.args[at + 1]), of.args[at + 1]->begin});
    good = good && conditions.back() && values.back().value;
  }
  if (of.has_else)
    values.push_back({bind(*of.args.back()), of.args.back()->begin});
  else
    values.push_back({null_constant(arrow::null()), of.begin});
  if (!good || !values.back().value || !unify(values, "case")) return nullptr;
  // As in PostgreSQL: a branch that no row can take is left out, one that every row takes is the last.
  std::vector<node_ptr> inputs;
  bool constant = true;
  auto otherwise = values.back().value;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto decided = truth_of(conditions[i]);
    if (decided && !*decided) continue;
    if (decided) {
      otherwise = values[i].value;
      break;
    }
    inputs.push_back(conditions[i]);
    inputs.push_back(values[i].value);
  }
  if (inputs.empty()) return otherwise;
  inputs.push_back(std::move(otherwise));
  for (const auto& input : inputs) constant = constant && as_constant(input) != nullptr;
  auto made = make_branches(std::move(inputs));
  if (!constant) return made;
  auto folded = fold(made);
  return folded ? folded : made;
}

}  // namespace sluice::expression
