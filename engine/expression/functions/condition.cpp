#include "engine/expression/functions/support.hpp"
#include "engine/values/types.hpp"

#include <arrow/compute/api.h>

namespace sluice::expression {

namespace {

node_ptr bind_coalesce(binder& b, const call_site& site) {
  auto values = site.args;
  if (!b.unify(values, "coalesce")) return nullptr;
  std::vector<node_ptr> inputs;
  for (const auto& value : values) {
    const auto* constant = as_constant(value.value);
    if (constant != nullptr && constant->is_null()) continue;
    inputs.push_back(value.value);
    if (constant != nullptr) break;  // what follows is never asked for
  }
  if (inputs.empty()) return values[0].value;
  return inputs.size() == 1 ? inputs[0] : make_coalesce(std::move(inputs));
}

node_ptr shared(node_ptr of) { return of->inputs.empty() ? of : std::make_shared<shared_node>(std::move(of)); }

node_ptr folded(binder& b, node_ptr of) {
  for (const auto& input : of->inputs)
    if (as_constant(input) == nullptr) return of;
  auto constant = b.fold(of);
  return constant ? constant : of;
}

// nullif(a, b) is CASE WHEN a = b THEN null ELSE a END.
node_ptr bind_nullif(binder& b, const call_site& site) {
  auto first = site.args[0];
  // nullif(null, 1) is an integer.
  const auto* constant = as_constant(first.value);
  const bool takes_type = constant != nullptr && constant->type->id() == arrow::Type::NA;
  first.value = takes_type ? b.cast(first, b.settle(site.args[1])->type) : b.settle(first);
  if (!first.value) return nullptr;
  first.value = shared(first.value);
  auto equal = b.compare(comparison::equal, first, site.args[1], site.at);
  if (!equal) return nullptr;
  return folded(b, make_branches({std::move(equal), null_constant(first.value->type), first.value}));
}

// Nulls are passed over, as in PostgreSQL.
template <comparison Keeps>
result<array_ptr> extreme_kernel(call& c) {
  auto* const compare = find_comparison_kernel(Keeps, *c.type);
  // An array: two constants beside a column would be compared as two columns.
  SLUICE_ASSIGN(auto first, as_array(c.args[0], c.rows));
  operand best{std::move(first), false};
  for (std::size_t i = 1; i < c.args.size(); ++i) {
    const auto& next = c.args[i];
    call inner{c.of, arrow::boolean(), {best, next}, c.rows, c.active, c.in, nullptr};
    SLUICE_ASSIGN(const auto holds, compare(inner));
    const auto values = boolean_bits(*holds);
    const auto known = validity_of(*holds);
    const auto next_valid = all_valid({next}, c.rows);
    auto keep = allocate_bitmap(c.rows);
    for (std::int64_t word = 0; word < words_for(c.rows); ++word) {
      auto bits = load_word(values->data(), word, c.rows);
      if (known) bits &= load_word(known->data(), word, c.rows);
      if (next_valid) bits |= ~load_word(next_valid->data(), word, c.rows);
      store_word(keep->mutable_data(), word, bits);
    }
    SLUICE_ASSIGN(auto left, as_datum(best));
    SLUICE_ASSIGN(auto right, as_datum(next));
    SLUICE_ASSIGN_ARROW(auto chosen,
                        arrow::compute::IfElse(arrow::Datum(make_booleans(c.rows, keep, nullptr)), left, right),
                        "choose a value");
    best = {chosen.make_array(), false};
  }
  return as_array(best, c.rows);
}

template <comparison Keeps>
node_ptr extreme(binder& b, const call_site& site) {
  auto values = site.args;
  const auto type = b.unify(values, site.name);
  if (!type) return nullptr;
  if (find_comparison_kernel(Keeps, *type) == nullptr)
    return b.fault(site.at, "not_supported_yet",
                   "comparing values of type " + type_name(*type) + " is not supported yet");
  std::vector<node_ptr> inputs;
  for (const auto& value : values) inputs.push_back(value.value);
  return b.call(site.name, type, std::move(inputs), extreme_kernel<Keeps>, {.null_in_null_out = false});
}

node_ptr bind_greatest(binder& b, const call_site& site) { return extreme<comparison::greater_equal>(b, site); }
node_ptr bind_least(binder& b, const call_site& site) { return extreme<comparison::less_equal>(b, site); }

}  // namespace

const std::vector<function>& condition_functions() {
  static const std::vector<function> all = {
      entry("coalesce", "condition", "coalesce(x, y, ...) -> type of x", "the first value that is not null",
            "coalesce(null, 2, 3)", "2", 1, any_number, bind_coalesce),
      entry("greatest", "condition", "greatest(x, y, ...) -> type of x", "the largest value; nulls are ignored",
            "greatest(1, null, 3)", "3", 1, any_number, bind_greatest),
      entry("least", "condition", "least(x, y, ...) -> type of x", "the smallest value; nulls are ignored",
            "least(1, null, 3)", "1", 1, any_number, bind_least),
      entry("nullif", "condition", "nullif(x, y) -> type of x", "null if x = y, else x", "nullif('NA', 'N/A')", "NA", 2,
            2, bind_nullif),
  };
  return all;
}

}  // namespace sluice::expression
