#include "engine/operators/window_functions/layout.hpp"

#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice::window_functions {

namespace {

std::string text_of(const expression::bound_ptr& of) { return of->to_string() + "::" + type_name(*of->type()); }

bool begins_with(const std::vector<std::string>& whole, const std::vector<std::string>& start) {
  return start.size() <= whole.size() && std::equal(start.begin(), start.end(), whole.begin());
}

}  // namespace

int layout::place(const expression::bound_ptr& value, const std::string& column) {
  if (!value) return -1;
  if (const auto own = value->as_column()) {
    reads.push_back(*own);
    return *own;
  }
  for (std::size_t i = 0; i < computed.size(); ++i)
    if (text_of(computed[i].value) == text_of(value)) return input->num_fields() + static_cast<int>(i);
  computed.push_back({value, column});
  stored = stored->AddField(stored->num_fields(), arrow::field("", value->type())).ValueOrDie();
  return stored->num_fields() - 1;
}

layout::window& layout::window_for(const expression::window_call& call, const std::string& column) {
  window wanted;
  for (const auto& each : call.partition) wanted.partition_text.push_back(text_of(each));
  for (const auto& each : call.order)
    wanted.order_text.push_back(text_of(each.value) + (each.descending ? " desc" : "") +
                                (each.nulls_first ? " nulls first" : ""));
  const auto keys = [&] {
    std::vector<external_sort::key> sort;
    for (const auto& each : call.order)
      sort.push_back(
          {.column = place(each.value, column), .descending = each.descending, .nulls_first = each.nulls_first});
    return sort;
  };
  for (auto& each : windows) {
    if (each.partition_text != wanted.partition_text) continue;
    if (begins_with(each.order_text, wanted.order_text)) return each;
    if (!begins_with(wanted.order_text, each.order_text)) continue;
    each.order_text = wanted.order_text;
    each.sort = keys();
    return each;
  }
  for (const auto& each : call.partition) wanted.partition.push_back(place(each, column));
  wanted.sort = keys();
  windows.push_back(std::move(wanted));
  return windows.back();
}

result<int> layout::add(const expression::window_call& call, const std::string& column) {
  placed_call placed;
  SLUICE_ASSIGN(placed.compute, make_call(call));
  for (const auto& each : call.arguments) placed.arguments.push_back(place(each, column));
  placed.filter = place(call.filter, column);
  placed.range_key = place(call.frame.range_key, column);
  placed.start_limit = place(call.frame.start_limit, column);
  placed.end_limit = place(call.frame.end_limit, column);
  placed.order_keys = call.order.size();
  placed.column = column;
  auto& shared = window_for(call, column);
  calls.emplace_back(static_cast<std::size_t>(&shared - windows.data()), shared.calls.size());
  shared.calls.push_back(std::move(placed));
  return static_cast<int>(calls.size()) - 1;
}

void layout::settle(const std::vector<std::vector<int>*>& numbers) const {
  for (auto* each : numbers)
    for (auto& number : *each) {
      const auto [at, place] = calls[static_cast<std::size_t>(number)];
      auto column = stored->num_fields() + static_cast<int>(place);
      for (std::size_t i = 0; i < at; ++i) column += static_cast<int>(windows[i].calls.size());
      number = column;
    }
}

}  // namespace sluice::window_functions
