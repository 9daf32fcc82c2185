#include "engine/operators/aggregates/aggregation.hpp"

#include "engine/expression/bits.hpp"
#include "engine/expression/evaluate_where.hpp"
#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/binding.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include <cstring>

namespace sluice::aggregates {

namespace {

bool same_state(const aggregation::call& a, const aggregation::call& b) {
  return a.argument == b.argument && a.filter == b.filter && a.what.distinct == b.what.distinct &&
         family_of(a.what.function) == family_of(b.what.function);
}

// A column can't fail, so that it needs no mask.
bool counts_everywhere(const aggregation::input& of) { return of.read_unfiltered || of.value->as_column(); }

// The rows where one of the filters is true.
result<std::shared_ptr<arrow::Buffer>> rows_of_any(const std::vector<int>& filters,
                                                   const std::vector<std::shared_ptr<arrow::Array>>& values,
                                                   std::int64_t rows) {
  const auto bytes = expression::words_for(rows) * 8;
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> bits, arrow::AllocateBuffer(bytes), "filter rows");
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bytes));
  for (const int filter : filters) {
    const auto& truth = static_cast<const arrow::BooleanArray&>(*values[static_cast<std::size_t>(filter)]);
    for (std::int64_t row = 0; row < rows; ++row)
      if (truth.IsValid(row) && truth.Value(row)) expression::set_bit(bits->mutable_data(), row);
  }
  return bits;
}

}  // namespace

int aggregation::add_input(const expression::bound_ptr& value, const std::string& column) {
  if (!value) return -1;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    // Nulls of all types are written alike.
    if (inputs[i].value->type()->Equals(*value->type()) && inputs[i].value->to_string() == value->to_string())
      return static_cast<int>(i);
  inputs.push_back({value, column});
  return static_cast<int>(inputs.size()) - 1;
}

int aggregation::add_call(expression::aggregate_call what, const std::string& column) {
  const int argument = add_input(what.argument, column);
  const int filter = add_input(what.filter, column);
  if (filter >= 0) inputs[filter].read_unfiltered = true;
  if (argument >= 0 && filter >= 0) inputs[argument].filters.push_back(filter);
  if (argument >= 0 && filter < 0) inputs[argument].read_unfiltered = true;
  call added{.what = std::move(what), .argument = argument, .filter = filter, .state = static_cast<int>(states.size())};
  for (std::size_t i = 0; i < states.size(); ++i)
    if (same_state(calls[states[i]], added)) added.state = static_cast<int>(i);
  calls.push_back(std::move(added));
  const auto number = static_cast<int>(calls.size()) - 1;
  if (calls.back().state == static_cast<int>(states.size())) states.push_back(number);
  return number;
}

result<std::vector<std::shared_ptr<arrow::Array>>> aggregation::evaluate(const batch& rows, row_errors& errors) const {
  std::vector<std::shared_ptr<arrow::Array>> values(inputs.size());
  const auto run = [&](std::size_t at, const std::shared_ptr<arrow::Buffer>& counting) -> status {
    SLUICE_ASSIGN(auto value, expression::evaluate_where(*inputs[at].value, rows, counting));
    append_errors(errors, std::move(value.errors), inputs[at].column);
    values[at] = std::move(value.values);
    return {};
  };
  // Filters first: they are read unfiltered themselves.
  for (std::size_t at = 0; at < inputs.size(); ++at)
    if (counts_everywhere(inputs[at])) SLUICE_TRY(run(at, nullptr));
  for (std::size_t at = 0; at < inputs.size(); ++at) {
    if (values[at]) continue;
    SLUICE_ASSIGN(const auto counting, rows_of_any(inputs[at].filters, values, rows.rows()));
    SLUICE_TRY(run(at, counting));
  }
  return values;
}

}  // namespace sluice::aggregates
