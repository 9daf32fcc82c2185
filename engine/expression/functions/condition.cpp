#include "engine/expression/functions/support.hpp"

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
  first.value = b.settle(first);
  if (!first.value) return nullptr;
  first.value = shared(first.value);
  auto equal = b.compare(comparison::equal, first, site.args[1], site.at);
  if (!equal) return nullptr;
  return folded(b, make_branches({std::move(equal), null_constant(first.value->type), first.value}));
}

// Nulls are passed over, as in PostgreSQL.
node_ptr extreme(binder& b, const call_site& site, comparison keeps) {
  auto values = site.args;
  const auto type = b.unify(values, site.name);
  if (!type) return nullptr;
  auto best = values[0].value;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto left = shared(best);
    const auto right = shared(values[i].value);
    auto keep = b.compare(keeps, {left, values[0].at}, {right, values[i].at}, site.at);
    if (!keep) return nullptr;
    auto no_right = b.call("is null", arrow::boolean(), {right}, is_null_kernel,
                           {.form = notation::suffix, .null_in_null_out = false});
    auto condition = make_junction(false, std::move(keep), std::move(no_right));
    best = folded(b, make_branches({folded(b, std::move(condition)), left, right}));
  }
  return best;
}

node_ptr bind_greatest(binder& b, const call_site& site) { return extreme(b, site, comparison::greater_equal); }
node_ptr bind_least(binder& b, const call_site& site) { return extreme(b, site, comparison::less_equal); }

}  // namespace

const std::vector<function>& condition_functions() {
  static const std::vector<function> all = {
      entry("coalesce", "condition", "coalesce(x, y, ...) -> type of x", "the first value that is not null",
            "coalesce(null, 2, 3)", "2", 1, any_number, bind_coalesce),
      entry("greatest", "condition", "greatest(x, y, ...) -> type of x", "the greatest value; nulls are passed over",
            "greatest(1, null, 3)", "3", 1, any_number, bind_greatest),
      entry("least", "condition", "least(x, y, ...) -> type of x", "the least value; nulls are passed over",
            "least(1, null, 3)", "1", 1, any_number, bind_least),
      entry("nullif", "condition", "nullif(x, y) -> type of x", "null where x = y, else x", "nullif('NA', 'N/A')", "NA",
            2, 2, bind_nullif),
  };
  return all;
}

}  // namespace sluice::expression
