#include "engine/operators/aggregates/aggregation.hpp"

#include "engine/operators/aggregates/accumulator.hpp"

namespace sluice::aggregates {

namespace {

bool same_state(const aggregation::call& a, const aggregation::call& b) {
  return a.argument == b.argument && a.filter == b.filter && a.what.distinct == b.what.distinct &&
         family_of(a.what.function) == family_of(b.what.function);
}

}  // namespace

int aggregation::add_input(const expression::bound_ptr& value, const std::string& column) {
  if (!value) return -1;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].value->to_string() == value->to_string()) return static_cast<int>(i);
  inputs.push_back({value, column});
  return static_cast<int>(inputs.size()) - 1;
}

int aggregation::add_call(expression::aggregate_call what, const std::string& column) {
  const int argument = add_input(what.argument, column);
  const int filter = add_input(what.filter, column);
  call added{.what = std::move(what), .argument = argument, .filter = filter, .state = static_cast<int>(states.size())};
  for (std::size_t i = 0; i < states.size(); ++i)
    if (same_state(calls[states[i]], added)) added.state = static_cast<int>(i);
  calls.push_back(std::move(added));
  const auto number = static_cast<int>(calls.size()) - 1;
  if (calls.back().state == static_cast<int>(states.size())) states.push_back(number);
  return number;
}

}  // namespace sluice::aggregates
