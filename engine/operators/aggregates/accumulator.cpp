#include "engine/operators/aggregates/collected.hpp"

#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

namespace sluice::aggregates {

namespace {

accumulator_ptr make_by_family(const std::string& name, const std::shared_ptr<arrow::DataType>& from) {
  if (name == "approx_count_distinct") return make_approximate_count();
  if (name == "count") return make_count(false);
  if (name == "sum") return make_sum(from);
  if (name == "min") return make_extreme(false, from);
  if (name == "max") return make_extreme(true, from);
  if (name == "first" || name == "any_value") return make_pick(pick::first, from);
  if (name == "last") return make_pick(pick::last, from);
  if (name == "variance") return make_spread(from);
  return nullptr;
}

}  // namespace

std::string family_of(const std::string& function) {
  if (function == "avg") return "sum";
  if (function == "bool_and" || function == "every") return "min";
  if (function == "bool_or") return "max";
  if (function == "any_value") return "first";
  if (function == "corr" || function.starts_with("covar_") || function.starts_with("regr_")) return "regression";
  if (function.starts_with("percentile_cont(") || function.starts_with("median(")) return "percentile_cont";
  if (function.starts_with("stddev") || function.starts_with("var")) return "variance";
  return function;
}

result<std::shared_ptr<arrow::Array>> saved_columns::next() {
  if (at_ == columns_.size()) return held::foreign("groups");
  return columns_[at_++];
}

void value_counts::add(const grouped_rows& in) {
  rows_ = in.row_counts;
  if (in.values->type_id() == arrow::Type::NA) {
    nulls_.resize(in.group_count);
    for (std::int64_t row = 0; row < in.rows; ++row) ++nulls_[in.groups[row]];
  } else if (in.values->null_count() > 0) {
    nulls_.resize(in.group_count);
    for (std::int64_t row = 0; row < in.rows; ++row) nulls_[in.groups[row]] += in.values->IsNull(row);
  }
}

result<accumulator_ptr> make_accumulator(const expression::aggregate_call& call) {
  if (call.function == "count_star") return make_count(true);
  if (call.argument) {
    if (auto made = make_percentiles(call)) return made;
    if (auto made = make_joined_texts(call)) return made;
    if (auto made = make_collected(call)) return made;
    if (auto made = make_regression(call)) return made;
    if (auto made = make_by_family(family_of(call.function), call.argument->type())) return made;
  }
  return user_error("not_supported_yet",
                    call.function + "(" + (call.argument ? type_name(*call.argument->type()) : "*") +
                        ") as an aggregate is not supported yet",
                    "sluice functions lists the aggregates");
}

}  // namespace sluice::aggregates
