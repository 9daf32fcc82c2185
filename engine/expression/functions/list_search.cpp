// Functions that look into lists, and the operators @>, <@ and &&.
#include "engine/expression/functions/json.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"

namespace sluice::expression {

namespace {

result<array_ptr> position_kernel(call& c) {
  const lists_of lists(c.args[0]);
  const same_elements same(lists.elements(), c.args[1].array);
  const bool has_start = c.args.size() > 2;
  const column_of<std::int32_t> start(c.args[has_start ? 2 : 0]);
  arrow::Int32Builder out;
  SLUICE_TRY_ARROW(out.Reserve(c.rows), "look into lists");
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const auto wanted = c.args[1].constant ? 0 : row;
    std::int64_t found = -1;
    if (!lists.is_null(row)) {
      const auto from = has_start && c.args[2].array->IsValid(c.args[2].constant ? 0 : row)
                            ? std::max<std::int64_t>(start[row] - 1, 0)
                            : 0;
      for (auto at = lists.begin(row) + from; at < lists.end(row) && found < 0; ++at)
        if (same(at, wanted)) found = at - lists.begin(row) + 1;
    }
    if (found < 0)
      out.UnsafeAppendNull();
    else
      out.UnsafeAppend(static_cast<std::int32_t>(found));
  }
  SLUICE_ASSIGN_ARROW(auto made, out.Finish(), "look into lists");
  return made;
}

result<array_ptr> positions_kernel(call& c) {
  const lists_of lists(c.args[0]);
  const same_elements same(lists.elements(), c.args[1].array);
  const auto places = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder out(arrow::default_memory_pool(), places, c.type);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    if (lists.is_null(row)) {
      SLUICE_TRY_ARROW(out.AppendNull(), "look into lists");
      continue;
    }
    SLUICE_TRY_ARROW(out.Append(), "look into lists");
    for (auto at = lists.begin(row); at < lists.end(row); ++at)
      if (same(at, c.args[1].constant ? 0 : row))
        SLUICE_TRY_ARROW(places->Append(static_cast<std::int32_t>(at - lists.begin(row) + 1)), "look into lists");
  }
  SLUICE_ASSIGN_ARROW(auto made, out.Finish(), "look into lists");
  return made;
}

bool has(const same_elements& same, const lists_of& lists, std::int64_t row, std::int64_t wanted) {
  for (auto at = lists.begin(row); at < lists.end(row); ++at)
    if (same.equal(at, wanted)) return true;
  return false;
}

// Null is in no list.
result<array_ptr> contains_kernel(call& c) {
  const lists_of whole(c.args[0]), part(c.args[1]);
  const same_elements same(whole.elements(), part.elements());
  return fill_booleans(c, [&](std::int64_t row) {
    for (auto at = part.begin(row); at < part.end(row); ++at)
      if (!has(same, whole, row, at)) return false;
    return true;
  });
}

result<array_ptr> overlaps_kernel(call& c) {
  const lists_of left(c.args[0]), right(c.args[1]);
  const same_elements same(left.elements(), right.elements());
  return fill_booleans(c, [&](std::int64_t row) {
    for (auto at = right.begin(row); at < right.end(row); ++at)
      if (has(same, left, row, at)) return true;
    return false;
  });
}

template <bool Equal>
result<array_ptr> equality_kernel(call& c) {
  const lists_of left(c.args[0]), right(c.args[1]);
  const same_elements same(left.elements(), right.elements());
  return fill_booleans(c, [&](std::int64_t row) {
    bool equal = left.length(row) == right.length(row);
    for (std::int64_t i = 0; equal && i < left.length(row); ++i)
      equal = same(left.begin(row) + i, right.begin(row) + i);
    return equal == Equal;
  });
}

template <int Value>
result<array_ptr> bound_kernel(call& c) {
  const lists_of lists(c.args[0]);
  arrow::Int32Builder out;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool none = lists.is_null(row) || lists.length(row) == 0;
    SLUICE_TRY_ARROW(
        none ? out.AppendNull() : out.Append(Value == 0 ? static_cast<std::int32_t>(lists.length(row)) : Value),
        "measure lists");
  }
  SLUICE_ASSIGN_ARROW(auto made, out.Finish(), "measure lists");
  return made;
}

const call_node::options null_is_a_value = {.null_in_null_out = false};

node_ptr bind_position(binder& b, const call_site& site) {
  auto inputs = list_and_element(b, site);
  if (inputs.empty()) return nullptr;
  if (site.args.size() > 2) {
    inputs.push_back(b.coerce(site.args[2], arrow::int32(), site.name));
    if (!inputs.back()) return nullptr;
  }
  return b.call(site.name, arrow::int32(), std::move(inputs), position_kernel, null_is_a_value);
}

node_ptr bind_positions(binder& b, const call_site& site) {
  auto inputs = list_and_element(b, site);
  return inputs.empty()
             ? nullptr
             : b.call(site.name, arrow::list(arrow::int32()), std::move(inputs), positions_kernel, null_is_a_value);
}

node_ptr bind_contains(binder& b, const call_site& site) {
  if (takes_json(site)) return bind_json_contains(b, site, false);
  auto inputs = two_lists(b, site);
  return inputs.empty() ? nullptr
                        : b.call("@>", arrow::boolean(), std::move(inputs), contains_kernel, {.form = notation::infix});
}

// a <@ b is b @> a.
node_ptr bind_contained(binder& b, const call_site& site) {
  if (takes_json(site)) return bind_json_contains(b, site, true);
  auto inputs = two_lists(b, site);
  if (inputs.empty()) return nullptr;
  std::swap(inputs[0], inputs[1]);
  return b.call("@>", arrow::boolean(), std::move(inputs), contains_kernel, {.form = notation::infix});
}

node_ptr bind_overlaps(binder& b, const call_site& site) {
  const auto boolean = [](const argument& of) { return of.value->type->id() == arrow::Type::BOOL; };
  if (boolean(site.args[0]) && boolean(site.args[1]))
    return b.fault(site.at, "invalid_expression", "&& is not an operator between conditions", "write and");
  auto inputs = two_lists(b, site);
  return inputs.empty() ? nullptr
                        : b.call("&&", arrow::boolean(), std::move(inputs), overlaps_kernel, {.form = notation::infix});
}

template <int Value>
node_ptr bind_bound(binder& b, const call_site& site) {
  auto list = b.settle(site.args[0]);
  if (!list) return nullptr;
  if (!is_list(list))
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects a list, found " + type_name(*list->type));
  if (site.args.size() > 1 && constant_integer(site.args[1].value) != 1)
    return b.fault(site.args[1].at, "not_supported_yet", "a list has one dimension: " + site.name + "(list, 1)");
  return b.call(site.name, arrow::int32(), {std::move(list)}, bound_kernel<Value>, null_is_a_value);
}

}  // namespace

kernel list_comparison_kernel(comparison op) {
  if (op == comparison::equal) return equality_kernel<true>;
  return op == comparison::not_equal ? equality_kernel<false> : nullptr;
}

const std::vector<function>& list_search_functions() {
  static const std::vector<function> all = {
      entry("&&", "list", "list && list -> boolean", "whether the lists have an element in common; nulls do not count",
            "array[1, 2] && array[2, 3]", "true", 2, 2, bind_overlaps),
      entry("<@", "list", "list <@ list, json <@ json -> boolean", "whether all of the first is in the second",
            "array[1] <@ array[1, 2]", "true", 2, 2, bind_contained),
      entry("@>", "list", "list @> list, json @> json -> boolean",
            "whether all of the second is in the first: the elements of a list, the members of an object",
            "array[1, 2] @> array[2]", "true", 2, 2, bind_contains),
      entry("array_lower", "list", "array_lower(list, 1) -> integer", "1; null for an empty list",
            "array_lower(array[5, 6], 1)", "1", 2, 2, bind_bound<1>),
      entry("array_ndims", "list", "array_ndims(list) -> integer", "1; null for an empty list",
            "array_ndims(array[5, 6])", "1", 1, 1, bind_bound<1>),
      entry("array_position", "list", "array_position(list, x [, start]) -> integer",
            "the place of the first element that is x, from 1; null where there is none",
            "array_position(array['a', 'b'], 'b')", "2", 2, 3, bind_position),
      entry("array_positions", "list", "array_positions(list, x) -> integer[]", "the places of all elements that are x",
            "array_positions(array[1, 2, 1], 1)", "[1,3]", 2, 2, bind_positions),
      entry("array_upper", "list", "array_upper(list, 1) -> integer", "number of elements; null for an empty list",
            "array_upper(array[5, 6], 1)", "2", 2, 2, bind_bound<0>),
  };
  return all;
}

}  // namespace sluice::expression
