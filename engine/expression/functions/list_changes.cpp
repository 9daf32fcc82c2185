// Functions that make lists of lists: joining, adding, leaving out, ordering.
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"

#include <arrow/compute/api_vector.h>
#include <arrow/table.h>

#include <numeric>

namespace sluice::expression {

namespace {

bool is_null(const operand& of, std::int64_t row) { return of.array->IsNull(of.constant ? 0 : row); }

// A null list is as good as an empty one, unless both are.
result<array_ptr> join_kernel(call& c) {
  const lists_of left(c.args[0]), right(c.args[1]);
  SLUICE_ASSIGN(const auto all, joined_elements(left.elements(), right.elements()));
  const auto second = left.elements()->length();
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool no_left = left.is_null(row), no_right = right.is_null(row);
    for (auto at = left.begin(row); !no_left && at < left.end(row); ++at) out.pick(at);
    for (auto at = right.begin(row); !no_right && at < right.end(row); ++at) out.pick(second + at);
    out.end_row(!no_left || !no_right);
  }
  return out.finish(c.type, all);
}

// A null list becomes a list of the one element.
template <bool InFront>
result<array_ptr> add_kernel(call& c) {
  const lists_of lists(c.args[InFront ? 1 : 0]);
  const auto& element = c.args[InFront ? 0 : 1];
  SLUICE_ASSIGN(const auto all, joined_elements(lists.elements(), element.array));
  const auto first = lists.elements()->length();
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    if (InFront) out.pick(first + (element.constant ? 0 : row));
    for (auto at = lists.begin(row); !lists.is_null(row) && at < lists.end(row); ++at) out.pick(at);
    if (!InFront) out.pick(first + (element.constant ? 0 : row));
    out.end_row();
  }
  return out.finish(c.type, all);
}

result<array_ptr> remove_kernel(call& c) {
  const lists_of lists(c.args[0]);
  const same_elements same(lists.elements(), c.args[1].array);
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool null = lists.is_null(row);
    for (auto at = lists.begin(row); !null && at < lists.end(row); ++at)
      if (!same(at, c.args[1].constant ? 0 : row)) out.pick(at);
    out.end_row(!null);
  }
  return out.finish(c.type, lists.elements());
}

result<array_ptr> replace_kernel(call& c) {
  const lists_of lists(c.args[0]);
  const same_elements same(lists.elements(), c.args[1].array);
  SLUICE_ASSIGN(const auto all, joined_elements(lists.elements(), c.args[2].array));
  const auto fresh = lists.elements()->length();
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool null = lists.is_null(row);
    for (auto at = lists.begin(row); !null && at < lists.end(row); ++at)
      out.pick(same(at, c.args[1].constant ? 0 : row) ? fresh + (c.args[2].constant ? 0 : row) : at);
    out.end_row(!null);
  }
  return out.finish(c.type, all);
}

result<array_ptr> reverse_kernel(call& c) {
  const lists_of lists(c.args[0]);
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool null = lists.is_null(row);
    for (auto at = lists.end(row); !null && at > lists.begin(row);) out.pick(--at);
    out.end_row(!null);
  }
  return out.finish(c.type, lists.elements());
}

result<array_ptr> distinct_kernel(call& c) {
  const lists_of lists(c.args[0]);
  arrow::compute::DictionaryEncodeOptions options;
  SLUICE_ASSIGN_ARROW(const auto encoded, arrow::compute::DictionaryEncode(lists.elements(), options),
                      "compare elements");
  const auto array = encoded.make_array();
  const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*array);
  const auto indices = dictionary.indices();
  const auto& codes = static_cast<const arrow::Int32Array&>(*indices);
  // The last row in which a value was seen; the last entry is that of null.
  std::vector<std::int64_t> seen(static_cast<std::size_t>(dictionary.dictionary()->length()) + 1, -1);
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool null = lists.is_null(row);
    for (auto at = lists.begin(row); !null && at < lists.end(row); ++at) {
      auto& last = codes.IsNull(at) ? seen.back() : seen[static_cast<std::size_t>(codes.Value(at))];
      if (last != row) out.pick(at);
      last = row;
    }
    out.end_row(!null);
  }
  return out.finish(c.type, lists.elements());
}

// All rows are ordered at once: by row, then by value.
result<array_ptr> sort_kernel(call& c) {
  const lists_of lists(c.args[0]);
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> places;
  for (std::int64_t row = 0; row < c.rows; ++row)
    for (auto at = lists.begin(row); !lists.is_null(row) && at < lists.end(row); ++at) {
      rows.push_back(row);
      places.push_back(at);
    }
  const auto place_array = std::make_shared<arrow::Int64Array>(std::ssize(places), arrow::Buffer::Wrap(places));
  SLUICE_ASSIGN_ARROW(const auto values, arrow::compute::Take(*lists.elements(), *place_array), "order elements");
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("row", arrow::int64()), arrow::field("value", values->type())}), std::ssize(rows),
      {std::make_shared<arrow::Int64Array>(std::ssize(rows), arrow::Buffer::Wrap(rows)), values});
  const arrow::compute::SortOptions order({arrow::compute::SortKey("row"), arrow::compute::SortKey("value")});
  SLUICE_ASSIGN_ARROW(const auto sorted, arrow::compute::SortIndices(batch, order), "order elements");
  const auto& ordered = static_cast<const arrow::UInt64Array&>(*sorted);
  list_picker out(c.rows);
  std::int64_t next = 0;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool null = lists.is_null(row);
    for (std::int64_t i = 0; !null && i < lists.length(row); ++i)
      out.pick(places[static_cast<std::size_t>(ordered.Value(next++))]);
    out.end_row(!null);
  }
  return out.finish(c.type, lists.elements());
}

result<array_ptr> trim_kernel(call& c) {
  const lists_of lists(c.args[0]);
  const column_of<std::int32_t> count(c.args[1]);
  row_failures failures(c);
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool null = lists.is_null(row) || is_null(c.args[1], row);
    const auto cut = null ? 0 : std::int64_t{count[row]};
    const bool bad = !null && (cut < 0 || cut > lists.length(row));
    if (bad)
      failures.add(row, "out_of_range",
                   "number of elements to trim must be between 0 and " + std::to_string(lists.length(row)));
    for (auto at = lists.begin(row); !null && !bad && at < lists.end(row) - cut; ++at) out.pick(at);
    out.end_row(!null && !bad);
  }
  return out.finish(c.type, lists.elements());
}

result<array_ptr> fill_kernel(call& c) {
  const lists_of sizes(c.args[1]);
  const auto& counts = static_cast<const arrow::Int32Array&>(*sizes.elements());
  row_failures failures(c);
  list_picker out(c.rows);
  constexpr std::int32_t most = 1'000'000;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool one = !sizes.is_null(row) && sizes.length(row) == 1 && counts.IsValid(sizes.begin(row));
    const auto count = one ? counts.Value(sizes.begin(row)) : 0;
    const bool bad = !sizes.is_null(row) && (!one || count < 0 || count > most);
    if (bad) failures.add(row, "out_of_range", "array_fill takes one size from 0 to 1000000: array[3]");
    for (std::int32_t i = 0; !bad && i < count; ++i) out.pick(c.args[0].constant ? 0 : row);
    out.end_row(one && !bad);
  }
  return out.finish(c.type, c.args[0].array);
}

const call_node::options null_is_a_value = {.null_in_null_out = false};

template <bool InFront>
node_ptr bind_add(binder& b, const call_site& site) {
  auto inputs = InFront ? list_and_element(b, site, 1, 0) : list_and_element(b, site);
  if (inputs.empty()) return nullptr;
  const auto type = inputs[0]->type;
  if (InFront) std::swap(inputs[0], inputs[1]);
  return b.call(InFront ? "array_prepend" : "array_append", type, std::move(inputs), add_kernel<InFront>,
                null_is_a_value);
}

node_ptr bind_cat(binder& b, const call_site& site) {
  auto inputs = two_lists(b, site);
  if (inputs.empty()) return nullptr;
  const auto type = inputs[0]->type;
  return b.call("array_cat", type, std::move(inputs), join_kernel, null_is_a_value);
}

node_ptr bind_remove(binder& b, const call_site& site) {
  auto inputs = list_and_element(b, site);
  if (inputs.empty()) return nullptr;
  const auto type = inputs[0]->type;
  return b.call(site.name, type, std::move(inputs), remove_kernel, null_is_a_value);
}

node_ptr bind_replace(binder& b, const call_site& site) {
  auto inputs = list_and_element(b, site);
  if (inputs.empty()) return nullptr;
  auto fresh = b.coerce(site.args[2], element_type(*inputs[0]->type), site.name);
  if (!fresh) return nullptr;
  inputs.push_back(std::move(fresh));
  const auto type = inputs[0]->type;
  return b.call(site.name, type, std::move(inputs), replace_kernel, null_is_a_value);
}

template <kernel Run, bool Ordered>
node_ptr bind_reordered(binder& b, const call_site& site) {
  auto list = b.settle(site.args[0]);
  if (!list) return nullptr;
  if (!is_list(list))
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects a list, found " + type_name(*list->type));
  const auto& of = *element_type(*list->type);
  if (Ordered && (arrow::is_nested(of.id()) || of.id() == arrow::Type::INTERVAL_MONTH_DAY_NANO || is_json_type(of)))
    return b.fault(site.args[0].at, "not_supported_yet",
                   site.name + " of " + type_name(*list->type) + " is not supported yet");
  const auto type = list->type;
  return b.call(site.name, type, {std::move(list)}, Run);
}

node_ptr bind_trim(binder& b, const call_site& site) {
  auto list = b.settle(site.args[0]);
  if (list && !is_list(list))
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects a list, found " + type_name(*list->type));
  auto count = b.coerce(site.args[1], arrow::int32(), site.name);
  if (!list || !count) return nullptr;
  const auto type = list->type;
  return b.call(site.name, type, {std::move(list), std::move(count)}, trim_kernel);
}

node_ptr bind_fill(binder& b, const call_site& site) {
  auto value = b.settle(site.args[0]);
  auto sizes = b.coerce(site.args[1], arrow::list(arrow::int32()), site.name);
  if (!value || !sizes) return nullptr;
  const auto type = arrow::list(value->type);
  return b.call(site.name, type, {std::move(value), std::move(sizes)}, fill_kernel, null_is_a_value);
}

}  // namespace

node_ptr bind_list_join(binder& b, const call_site& site) {
  const bool left = is_list(site.args[0].value), right = is_list(site.args[1].value);
  if (!left && !right) return nullptr;
  // A list may be an element as well, of a list of lists.
  const auto holds = [](const node_ptr& list, const node_ptr& element) {
    return is_list(list) && is_list(element) && common_type(element_type(*list->type), element->type) != nullptr;
  };
  if (left && right && holds(site.args[0].value, site.args[1].value)) return bind_add<false>(b, site);
  if (left && right && holds(site.args[1].value, site.args[0].value)) return bind_add<true>(b, site);
  if ((left && right) || is_untyped(site.args[left ? 1 : 0].value)) return bind_cat(b, site);
  return left ? bind_add<false>(b, site) : bind_add<true>(b, site);
}

const std::vector<function>& list_change_functions() {
  static const std::vector<function> all = {
      entry("array_append", "list", "array_append(list, x) -> list", "the list with x at its end; also list || x",
            "array_append(array[1, 2], 3)", "[1,2,3]", 2, 2, bind_add<false>),
      entry("array_cat", "list", "array_cat(list, list) -> list", "both lists in one; also list || list",
            "array_cat(array[1], array[2, 3])", "[1,2,3]", 2, 2, bind_cat),
      entry("array_distinct", "list", "array_distinct(list) -> list",
            "each value once, in the order in which they come first", "array_distinct(array[2, 1, 2])", "[2,1]", 1, 1,
            bind_reordered<distinct_kernel, true>),
      entry("array_fill", "list", "array_fill(x, array[n]) -> list", "a list of n times x", "array_fill(7, array[3])",
            "[7,7,7]", 2, 2, bind_fill),
      entry("array_prepend", "list", "array_prepend(x, list) -> list", "the list with x in front; also x || list",
            "array_prepend(1, array[2, 3])", "[1,2,3]", 2, 2, bind_add<true>),
      entry("array_remove", "list", "array_remove(list, x) -> list", "the list without the elements that are x",
            "array_remove(array[1, 2, 1], 1)", "[2]", 2, 2, bind_remove),
      entry("array_replace", "list", "array_replace(list, x, y) -> list", "the list with y for each element that is x",
            "array_replace(array[1, 2, 1], 1, 5)", "[5,2,5]", 3, 3, bind_replace),
      entry("array_reverse", "list", "array_reverse(list) -> list", "the elements from the last to the first",
            "array_reverse(array[1, 2])", "[2,1]", 1, 1, bind_reordered<reverse_kernel, false>),
      entry("array_sort", "list", "array_sort(list) -> list", "the elements in ascending order, nulls last",
            "array_sort(array[2, null, 1])", "[1,2,null]", 1, 1, bind_reordered<sort_kernel, true>),
      entry("trim_array", "list", "trim_array(list, n) -> list", "the list without its last n elements",
            "trim_array(array[1, 2, 3], 2)", "[1]", 2, 2, bind_trim),
  };
  return all;
}

}  // namespace sluice::expression
