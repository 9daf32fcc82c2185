#include "engine/transforms/aggregates/accumulator.hpp"

#include "engine/types.hpp"

#include <arrow/type.h>

namespace sluice::aggregates {

namespace {

accumulator_ptr make_by_name(const std::string& name, const std::shared_ptr<arrow::DataType>& from,
                             const std::shared_ptr<arrow::DataType>& to) {
  if (name == "count") return make_count(false);
  if (name == "sum") return make_sum(false, from, to);
  if (name == "avg") return make_sum(true, from, to);
  if (name == "min" || name == "bool_and" || name == "every") return make_extreme(false, from);
  if (name == "max" || name == "bool_or") return make_extreme(true, from);
  if (name == "first") return make_pick(pick::first, from);
  if (name == "last") return make_pick(pick::last, from);
  if (name == "any_value") return make_pick(pick::any_value, from);
  if (name == "stddev" || name == "stddev_samp") return make_spread(spread::stddev_sample, from, to);
  if (name == "stddev_pop") return make_spread(spread::stddev_population, from, to);
  if (name == "variance" || name == "var_samp") return make_spread(spread::variance_sample, from, to);
  if (name == "var_pop") return make_spread(spread::variance_population, from, to);
  return nullptr;
}

}  // namespace

result<accumulator_ptr> make_accumulator(const expression::aggregate_call& call) {
  if (call.function == "count_star") return make_count(true);
  if (call.argument) {
    if (auto made = make_by_name(call.function, call.argument->type(), call.type)) return made;
  }
  return user_error("not_supported_yet",
                    call.function + "(" + (call.argument ? type_name(*call.argument->type()) : "*") +
                        ") as an aggregate is not supported yet",
                    "sluice functions lists the aggregates that are there");
}

}  // namespace sluice::aggregates
