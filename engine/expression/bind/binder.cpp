// Literals, names, casts and calls. The operators are in operators.cpp.
#include "engine/expression/bind/binder.hpp"

#include "engine/error/names.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/dialects.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/functions/attempts.hpp"
#include "engine/expression/functions/json.hpp"
#include "engine/expression/parse/lexer.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"
#include "engine/values/unknown_columns.hpp"
#include "engine/values/value_parse.hpp"

#include <arrow/api.h>

#include <xxhash.h>

namespace sluice::expression {

namespace {

std::shared_ptr<const settings> settings_of(const scope& names) {
  auto made = std::make_shared<settings>();
  if (names.context == nullptr) return made;
  made->now_microseconds = names.context->now_microseconds;
  made->timezone = names.context->timezone;
  made->seed = XXH3_64bits_withSeed(names.unit.data(), names.unit.size(), names.context->seed);
  return made;
}

template <class Builder, class Value>
array_ptr one_value(Builder&& builder, const Value& value) {
  array_ptr made;
  if (!builder.Append(value).ok() || !builder.Finish(&made).ok()) throw std::bad_alloc();
  return made;
}

template <class Value>
array_ptr one_decimal(const Value& value, const type_ptr& type) {
  auto values = allocate(sizeof value);
  std::memcpy(values->mutable_data(), &value, sizeof value);
  return make_array(type, 1, std::move(values), nullptr);
}

std::string kind_of(const node& of) { return of.type->id() == arrow::Type::NA ? "null" : type_name(*of.type); }

}  // namespace

binder::binder(const scope& names, const std::string& path, diagnostics& faults)
    : names_(names), path_(path), faults_(faults), settings_(settings_of(names)) {}

node_ptr binder::fault(std::size_t at, std::string code, std::string message, std::string hint) {
  faults_.push_back(fault_at(path_, at, std::move(code), std::move(message), std::move(hint)));
  return nullptr;
}

node_ptr binder::bind(const syntax& of) {
  switch (of.kind) {
    case syntax_kind::null:
    case syntax_kind::boolean:
    case syntax_kind::number:
    case syntax_kind::string:
      return bind_literal(of);
    case syntax_kind::column:
      return bind_column(of);
    case syntax_kind::parameter:
      return bind_parameter(of);
    case syntax_kind::unary:
      return bind_unary(of);
    case syntax_kind::binary:
      return bind_binary(of);
    case syntax_kind::is_null:
    case syntax_kind::is_boolean:
    case syntax_kind::is_distinct:
      return bind_test(of);
    case syntax_kind::between:
      return bind_between(of);
    case syntax_kind::in:
      return bind_in(of);
    case syntax_kind::like:
      return bind_like(of);
    case syntax_kind::branches:
      return bind_branches(of);
    case syntax_kind::cast:
    case syntax_kind::try_cast:
      return bind_cast(of);
    case syntax_kind::call:
      return bind_call(of);
    case syntax_kind::field:
      return bind_field(of);
    case syntax_kind::quantified:
      return bind_quantified(of);
    case syntax_kind::slice:
      return bind_slice(of);
    case syntax_kind::element:
      return bind_element(of);
    case syntax_kind::list:
      return bind_list(of);
    case syntax_kind::subquery:  // an expression of its own refuses them as it is parsed
      return fault(of.begin, "invalid_expression", "a subquery can't be used in an expression",
                   "write the transform sql");
  }
  return nullptr;
}

std::vector<argument> binder::bind_all(const std::vector<syntax_ptr>& parts, bool& good) {
  std::vector<argument> bound;
  for (const auto& part : parts) {
    bound.push_back({bind(*part), part->begin});
    good = good && bound.back().value != nullptr;
  }
  return bound;
}

// --- literals --------------------------------------------------------------------------------------------------------

node_ptr binder::bind_literal(const syntax& of) {
  switch (of.kind) {
    case syntax_kind::null:
      return null_constant(arrow::null());
    case syntax_kind::boolean:
      return std::make_shared<constant_node>(one_value(arrow::BooleanBuilder(), of.text == "true"));
    case syntax_kind::string:
      return std::make_shared<constant_node>(one_value(arrow::StringBuilder(), of.text), true);
    default:
      return bind_number(of.text, of.begin);
  }
}

// Whole numbers take the first of integer, bigint and decimal that holds them; others are exact decimals.
node_ptr binder::bind_number(const std::string& text, std::size_t at) {
  std::int32_t narrow = 0;
  if (parse_value(text, narrow) == parsed::good)
    return std::make_shared<constant_node>(one_value(arrow::Int32Builder(), narrow));
  std::int64_t wide = 0;
  if (parse_value(text, wide) == parsed::good)
    return std::make_shared<constant_node>(one_value(arrow::Int64Builder(), wide));
  if (text.find_first_of("eE") != std::string::npos) {
    double value = 0;
    if (parse_value(text, value) != parsed::good)
      return fault(at, "out_of_range", "the number " + text + " is out of the range of double");
    return std::make_shared<constant_node>(one_value(arrow::DoubleBuilder(), value));
  }
  const auto point = text.find('.');
  const auto scale = point == std::string::npos ? 0 : static_cast<int>(text.size() - point - 1);
  auto digits = text;
  if (point != std::string::npos) digits.erase(point, 1);
  const auto first = digits.find_first_not_of("-0");
  const int significant = first == std::string::npos ? 0 : static_cast<int>(digits.size() - first);
  const int precision = std::max({significant, scale, 1});
  int128 value = 0;
  if (precision <= 38 && parse_decimal(text, precision, scale, value) == parsed::good)
    return std::make_shared<constant_node>(one_decimal(value, arrow::decimal128(precision, scale)));
  wide_words words{};
  if (precision <= 76 && parse_decimal(text, precision, scale, words) == parsed::good)
    return std::make_shared<constant_node>(one_decimal(words, arrow::decimal256(precision, scale)));
  return fault(at, "out_of_range", "the number " + text + " has more than 76 digits",
               "write it as '...'::double, or with an exponent");
}

node_ptr binder::bind_parameter(const syntax& of) {
  const auto* context = names_.context;
  if (context == nullptr) return fault(of.begin, "unknown_param", "parameters can't be used here");
  const auto found = context->params.find(of.text);
  if (found == context->params.end()) {
    std::vector<std::string> known;
    for (const auto& [name, value] : context->params) known.push_back(name);
    const auto near = nearest_name(of.text, known);
    return fault(
        of.begin, "unknown_param", "the pipeline has no parameter " + of.text,
        near.empty() ? "declare it: params: { " + of.text + ": { type: date } }" : "did you mean $" + near + "?");
  }
  if (found->second == nullptr)
    return fault(of.begin, "secret_not_allowed",
                 "the parameter " + of.text + " is a secret, and rows and row errors would show its value",
                 "a secret is for an option of a source or sink that takes text: ${" + of.text + "}");
  if (is_unknown(*found->second->type)) return nullptr;  // its value has a fault
  auto value = arrow::MakeArrayFromScalar(*found->second, 1);
  if (!value.ok())
    return fault(of.begin, "internal_error", "the parameter " + of.text + " has no value: " + value.status().message());
  return std::make_shared<constant_node>(std::move(value).ValueUnsafe());
}

// --- names -----------------------------------------------------------------------------------------------------------

node_ptr binder::bind_column(const syntax& of) {
  if (resolver_) return resolver_(of);
  const auto& parts = of.names;
  if (parts.size() == 1) {
    const auto place = find_column({}, parts[0], names_, path_, of.begin, faults_, of.quoted);
    return place ? make_column(*place, path_, of.begin, faults_) : nullptr;
  }
  // unit.column first; else column.field of a struct.
  bool is_unit = false;
  for (const auto& input : names_.inputs) is_unit = is_unit || input.qualifier == parts[0];
  diagnostics ignored;
  const auto column = is_unit ? std::nullopt : find_column({}, parts[0], names_, path_, of.begin, ignored);
  std::size_t next = 1;
  std::optional<column_place> place = column;
  if (!column) {
    place = find_column(parts[0], parts[1], names_, path_, of.begin, faults_, of.quoted);
    next = 2;
  }
  if (!place) return nullptr;
  auto value = make_column(*place, path_, of.begin, faults_);
  for (; value && next < parts.size(); ++next) value = field_of(value, parts[next], of.begin);
  return value;
}

// --- casts -----------------------------------------------------------------------------------------------------------

node_ptr binder::read_literal(const constant_node& literal, const type_ptr& to, std::size_t at) {
  auto* const run = find_cast_kernel(*literal.type, *to);
  if (run == nullptr) return fault(at, "type_mismatch", "a text can't be read as " + type_name(*to));
  auto typed = std::make_shared<constant_node>(literal.value);
  const auto made = std::make_shared<call_node>("cast", to, std::vector<node_ptr>{typed}, run,
                                                call_node::options{.form = notation::cast});
  frame one(nullptr, 1, *settings_);
  const auto value = made->evaluate(one, {});
  if (!value.ok()) {
    auto problem = value.problem();
    problem.path = path_;
    problem.offset = at;
    faults_.push_back(std::move(problem));
    return nullptr;
  }
  if (!one.errors.empty()) {
    const auto id = to->id();
    return fault(at, "invalid_literal", one.errors[0].message,
                 id == arrow::Type::DATE32                    ? "write a date as '2024-05-01'"
                 : id == arrow::Type::TIMESTAMP               ? "write a time as '2024-05-01 12:00:00'"
                 : id == arrow::Type::INTERVAL_MONTH_DAY_NANO ? "write an interval as '1 day 02:00:00'"
                                                              : "");
  }
  return std::make_shared<constant_node>(value->array);
}

node_ptr binder::cast(const argument& from, const type_ptr& to) {
  if (!from.value) return nullptr;
  if (auto error = typed_error(from.value, to)) return error;
  const auto* constant = as_constant(from.value);
  if (constant != nullptr && constant->type->id() == arrow::Type::NA) return null_constant(to);
  if (constant != nullptr && constant->untyped) {
    if (is_text_type(*to) && mark_of(*to) == text_mark::none) return std::make_shared<constant_node>(constant->value);
    return read_literal(*constant, to, from.at);
  }
  if (same_type(*from.value->type, *to)) return from.value;
  const auto run = find_cast_kernel(*from.value->type, *to);
  if (run == nullptr)
    return fault(
        from.at, "type_mismatch", "a value of type " + kind_of(*from.value) + " can't be cast to " + type_name(*to),
        is_number_type(*from.value->type) && is_number_type(*to) ? "cast it to text first: x::text::" + type_name(*to)
        : is_json_type(*to)                                      ? "write to_json(" + text_of(*from.value) + ")"
                                                                 : "");
  return call("cast", to, {from.value}, run, {.form = notation::cast});
}

node_ptr binder::settle(const argument& from) {
  if (!from.value) return nullptr;
  if (auto error = typed_error(from.value, arrow::utf8())) return error;
  const auto* constant = as_constant(from.value);
  if (constant == nullptr) return from.value;
  if (constant->type->id() == arrow::Type::NA) return null_constant(arrow::utf8());
  return constant->untyped ? std::make_shared<constant_node>(constant->value) : from.value;
}

node_ptr binder::coerce(const argument& from, const type_ptr& to, const std::string& what) {
  if (!from.value) return nullptr;
  const auto* constant = as_constant(from.value);
  if (constant != nullptr && constant->untyped) return cast(from, to);
  if (is_implicit(*from.value->type, *to)) return cast(from, to);
  // A constant that fits may also become narrower.
  if (constant != nullptr && is_number_type(*constant->type) && is_integer_type(*to) &&
      !is_floating_type(*constant->type)) {
    const auto narrower = fold(std::make_shared<call_node>("cast", to, std::vector<node_ptr>{from.value},
                                                           find_cast_kernel(*constant->type, *to),
                                                           call_node::options{.form = notation::cast}));
    if (narrower) return narrower;
  }
  const bool possible = find_cast_kernel(*from.value->type, *to) != nullptr;
  return fault(from.at, "type_mismatch", what + " expects " + type_name(*to) + ", found " + kind_of(*from.value),
               possible ? "cast it: " + text_of(*from.value) + "::" + type_name(*to) : "");
}

namespace {

// Types whose name says more than the type: jsonb is json in its normal form, and numeric without digits keeps those
// that a value has.
node_ptr special_cast(binder& b, const syntax& of, const argument& from) {
  if (!from.value) return nullptr;
  if (of.text == "jsonb" && of.kind == syntax_kind::cast) {
    auto value = b.cast(from, json_type());
    return value ? make_normal_json(b, std::move(value)) : nullptr;
  }
  if (of.text != "numeric" && of.text != "decimal") return nullptr;
  const auto& type = *from.value->type;
  if (is_decimal_type(type)) return from.value;
  if (is_integer_type(type)) return b.cast(from, decimal_for(type));
  const auto* constant = as_constant(from.value);
  const bool text = constant != nullptr && constant->untyped && of.kind == syntax_kind::cast;
  if (!text) return nullptr;
  // As many places as are written: 1.50 has two.
  const std::string_view written = static_cast<const arrow::StringArray&>(*constant->value).GetView(0);
  const auto point = written.find('.');
  const auto end = written.find_last_of("0123456789");
  const bool plain = written.find_first_not_of("+-0123456789. ") == std::string_view::npos;
  const auto places = !plain || point == std::string_view::npos || end < point ? 0 : static_cast<int>(end - point);
  const int digits =
      static_cast<int>(std::count_if(written.begin(), written.end(), [](char c) { return c >= '0' && c <= '9'; }));
  if (digits > 76) return nullptr;
  return plain ? b.cast(from, make_decimal(std::max(digits, 1), places, true)) : b.meet(from, arrow::decimal128(1, 0));
}

}  // namespace

node_ptr binder::bind_cast(const syntax& of) {
  auto value = bind(*of.args[0]);
  auto type = parse_type(of.text);
  if (!type.ok()) {
    auto problem = std::move(type).problem();
    problem.path = path_;
    problem.offset = of.name_offset + problem.offset.value_or(0);
    faults_.push_back(std::move(problem));
    return nullptr;
  }
  const argument from{std::move(value), of.args[0]->begin};
  if (auto special = special_cast(*this, of, from); special || !from.value) return special;
  if (of.kind == syntax_kind::cast) return cast(from, *type);
  auto settled = settle(from);
  return settled ? make_attempt(*this, std::move(settled), from.at, *type) : nullptr;
}

// --- calls -----------------------------------------------------------------------------------------------------------

node_ptr binder::call(std::string name, type_ptr type, std::vector<node_ptr> inputs, kernel with,
                      call_node::options how) {
  bool constant = !how.is_volatile;
  for (const auto& input : inputs) {
    const auto* value = as_constant(input);
    constant = constant && value != nullptr;
    // A null that stands in the text decides before any row is looked at, as in PostgreSQL.
    if (how.null_in_null_out && value != nullptr && value->is_null()) return null_constant(type);
  }
  auto made = std::make_shared<call_node>(std::move(name), std::move(type), std::move(inputs), with, std::move(how));
  if (!constant) return made;
  auto folded = fold(made);
  return folded ? folded : made;
}

node_ptr binder::fold(node_ptr of) {
  frame one(nullptr, 1, *settings_);
  auto value = of->evaluate(one, {});
  if (!value.ok() || !one.errors.empty()) return nullptr;
  return std::make_shared<constant_node>(value->array);
}

// Brings named arguments to their places.
bool binder::place_named(const syntax& of, const std::vector<std::string>& names, std::vector<argument>& args) {
  const auto refuse = [&](std::string message, std::string hint) {
    fault(of.begin, "invalid_expression", std::move(message), std::move(hint));
    return false;
  };
  if (names.empty()) return refuse("the arguments of " + of.text + " have no names", "write the values in order");
  std::vector<argument> placed(names.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& name = i < of.names.size() ? of.names[i] : std::string();
    auto place = i;
    if (!name.empty()) place = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    if (place == names.size()) {
      const auto near = nearest_name(name, names);
      return refuse(of.text + " has no argument " + name, near.empty() ? "" : "did you mean " + near + "?");
    }
    if (name.empty() && !of.names[0].empty()) return refuse("an argument without a name follows a named one", "");
    if (placed[place].value) return refuse("the argument " + names[place] + " is given twice", "");
    placed[place] = args[i];
  }
  for (auto& each : placed)
    if (!each.value) each = {bind_number("0", of.begin), of.begin};
  args = std::move(placed);
  return true;
}

node_ptr binder::bind_call(const syntax& of) {
  if (of.window) {
    if (windows_) return windows_(of);
    return fault(of.begin, "misplaced_window_function", of.text + " over (...) can't be used here",
                 "use it in derive or select, in a separate step or unit");
  }
  if (is_window_function(of.text))
    return fault(of.begin, "misplaced_window_function", "the window function " + of.text + " needs over (...)",
                 "write " + of.text + "(...) over (partition by customer order by at), in derive or select");
  if (is_aggregate(of.text)) {
    if (aggregates_) return aggregates_(of);
    return fault(of.begin, "misplaced_aggregate", of.text + " is an aggregate and can't be used here",
                 "use it under compute: in the transform aggregate, or with over (...) in derive or select");
  }
  const auto* known = find_function(of.text);
  if (known == nullptr) {
    auto hint = other_dialect_hint(of.text);
    if (hint.empty()) {
      const auto near = nearest_name(of.text, function_names());
      hint = near.empty() ? "sluice functions lists them" : "did you mean " + near + "?";
    }
    return fault(of.begin, "unknown_function", "there is no function " + of.text, std::move(hint));
  }
  if (of.star || of.distinct || of.filter || !of.order.empty())
    return fault(of.begin, "invalid_expression",
                 std::string(of.star       ? "*"
                             : of.distinct ? "distinct"
                             : of.filter   ? "filter"
                                           : "an order") +
                     " can only be used in aggregates, not in " + of.text);
  bool good = true;
  call_site site{of.text, of.begin, bind_all(of.args, good)};
  if (!of.names.empty() && !place_named(of, known->names, site.args)) return nullptr;
  if (site.args.size() < known->least || site.args.size() > known->most) {
    const auto wanted = known->most == any_number ? "at least " + std::to_string(known->least)
                        : known->least == known->most
                            ? std::to_string(known->least)
                            : std::to_string(known->least) + " to " + std::to_string(known->most);
    return fault(of.begin, "wrong_argument_count",
                 of.text + " takes " + wanted + (wanted == "1" ? " argument, found " : " arguments, found ") +
                     std::to_string(site.args.size()),
                 known->spec.signature);
  }
  return good ? known->bind(*this, site) : nullptr;
}

}  // namespace sluice::expression
