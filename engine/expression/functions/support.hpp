#pragma once

#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/functions.hpp"
#include "engine/values/value_text.hpp"

namespace sluice::expression {

// What functions have in common.

/// Makes the entry of a function.
inline function entry(const char* name, const char* kind, const char* signature, const char* summary,
                      const char* example, const char* result, std::size_t least, std::size_t most,
                      node_ptr (*bind)(binder&, const call_site&), std::vector<std::string> names = {}) {
  return {.spec = {.name = name,
                   .kind = kind,
                   .signature = signature,
                   .summary = summary,
                   .example = example,
                   .result = result},
          .least = least,
          .most = most,
          .bind = bind,
          .names = std::move(names)};
}

/// The arguments brought to the types wanted, one for each; empty where a fault was added.
inline std::vector<node_ptr> arguments(binder& b, const call_site& site, const std::vector<type_ptr>& types) {
  std::vector<node_ptr> made;
  bool good = true;
  for (std::size_t i = 0; i < site.args.size(); ++i) {
    made.push_back(
        b.coerce(site.args[i], types[std::min(i, types.size() - 1)],
                 site.args.size() == 1 ? site.name : "argument " + std::to_string(i + 1) + " of " + site.name));
    good = good && made.back() != nullptr;
  }
  if (!good) made.clear();
  return made;
}

/// Binds a function with fixed types of its arguments.
inline node_ptr bind_fixed(binder& b, const call_site& site, const std::vector<type_ptr>& types, const type_ptr& result,
                           kernel run, call_node::options how = {}) {
  auto inputs = arguments(b, site, types);
  if (inputs.empty() && !site.args.empty()) return nullptr;
  return b.call(site.name, result, std::move(inputs), run, std::move(how));
}

/// The text of argument `index` in `row`, for messages.
inline std::string argument_text(const call& c, std::size_t index, std::int64_t row) {
  return value_text(*c.args[index].array, c.args[index].constant ? 0 : row);
}

/// The value of a constant argument as an int64, where it is one.
inline std::optional<std::int64_t> constant_integer(const node_ptr& of) {
  const auto* constant = as_constant(of);
  if (constant == nullptr || constant->is_null()) return std::nullopt;
  const auto scalar = constant->value->GetScalar(0);
  if (!scalar.ok()) return std::nullopt;
  const auto wide = (*scalar)->CastTo(arrow::int64());
  if (!wide.ok()) return std::nullopt;
  return static_cast<const arrow::Int64Scalar&>(**wide).value;
}

/// The value of a constant text argument.
inline std::optional<std::string> constant_text(const node_ptr& of) {
  const auto* constant = as_constant(of);
  if (constant == nullptr || constant->is_null() || constant->type->id() != arrow::Type::STRING) return std::nullopt;
  return value_text(*constant->value, 0);
}

}  // namespace sluice::expression
