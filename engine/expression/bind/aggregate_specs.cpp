// What `sluice functions` and the docs say of the aggregates.
#include "engine/expression/functions.hpp"

namespace sluice::expression {

namespace {

function_spec spec(const char* name, const char* signature, const char* summary, const char* example,
                   const char* result) {
  return {.name = name,
          .kind = "aggregate",
          .signature = signature,
          .summary = summary,
          .example = example,
          .result = result};
}

}  // namespace

const char* aggregate_example_rows() { return "x = 3, 1, null, 1 and good = true, true, null, false"; }

const std::vector<function_spec>& aggregate_specs() {
  static const std::vector<function_spec> specs = [] {
    std::vector<function_spec> all = {
        spec("any_value", "any_value(x) -> type of x", "any value of the group that is not null", "any_value(x)", "3"),
        spec("approx_count_distinct", "approx_count_distinct(x) -> bigint",
             "about how many different values there are: exact up to 256, then by HyperLogLog in 4 KiB a group with a "
             "standard error of 1.6 %",
             "approx_count_distinct(x)", "2"),
        spec("avg", "avg(number) -> double, decimal for decimals", "average of the values that are not null", "avg(x)",
             "1.6666666666666667"),
        spec("bool_and", "bool_and(boolean) -> boolean", "true if all values that are not null are true",
             "bool_and(good)", "false"),
        spec("bool_or", "bool_or(boolean) -> boolean", "true if at least one value is true", "bool_or(good)", "true"),
        spec("count", "count(*) or count([distinct] x) -> bigint", "number of rows, or of rows where x is not null",
             "count(distinct x)", "2"),
        spec("every", "every(boolean) -> boolean", "the same as bool_and", "every(x > 0)", "true"),
        spec("first", "first(x) -> type of x", "first value that is not null, in the order of the input", "first(x)",
             "3"),
        spec("last", "last(x) -> type of x", "last value that is not null, in the order of the input", "last(x)", "1"),
        spec("max", "max(x) -> type of x", "largest value", "max(x)", "3"),
        spec("min", "min(x) -> type of x", "smallest value", "min(x) filter (where good)", "1"),
        spec("stddev", "stddev(number) -> double", "standard deviation of a sample", "stddev(x)", "1.1547005383792515"),
        spec("stddev_pop", "stddev_pop(number) -> double", "standard deviation of the whole population",
             "stddev_pop(x)", "0.9428090415820634"),
        spec("stddev_samp", "stddev_samp(number) -> double", "the same as stddev", "stddev_samp(x)",
             "1.1547005383792515"),
        spec("sum", "sum([distinct] number) -> bigint, decimal or double",
             "sum of the values that are not null: bigint for integers (a larger sum is an error of the group), "
             "decimal for decimals, double for real and double",
             "sum(x) filter (where good)", "4"),
        spec("var_pop", "var_pop(number) -> double", "variance of the whole population", "var_pop(x)",
             "0.8888888888888888"),
        spec("var_samp", "var_samp(number) -> double", "the same as variance", "var_samp(x)", "1.3333333333333333"),
        spec("variance", "variance(number) -> double", "variance of a sample", "variance(x)", "1.3333333333333333"),
        spec("array_agg", "array_agg([distinct] x [order by y]) -> type of x[]",
             "the values as a list, nulls too, in the order of the input or the given one", "array_agg(x order by x)",
             "[1,1,3,null]"),
        spec("bit_and", "bit_and(integer) -> type of x", "the bits that all values have", "bit_and(x)", "1"),
        spec("bit_or", "bit_or(integer) -> type of x", "the bits that any value has", "bit_or(x)", "3"),
        spec("bit_xor", "bit_xor(integer) -> type of x", "the bits that an odd number of values have", "bit_xor(x)",
             "3"),
        spec("corr", "corr(y, x) -> double", "correlation", "corr(x, x * 2)", "1"),
        spec("covar_pop", "covar_pop(y, x) -> double", "covariance of the whole population", "covar_pop(x, x)",
             "0.8888888888888888"),
        spec("covar_samp", "covar_samp(y, x) -> double", "covariance of a sample", "covar_samp(x, x)",
             "1.3333333333333333"),
        spec("median", "median(number) -> double", "the middle value, or the mean of the two in the middle",
             "median(x)", "1"),
        spec("mode", "mode() within group (order by x) or mode(x) -> type of x",
             "the value that comes most often; of several the first in the order", "mode() within group (order by x)",
             "1"),
        spec("percentile_cont", "percentile_cont(fraction) within group (order by number) -> double",
             "the value at that share of the ordered values, between two of them in proportion",
             "percentile_cont(0.75) within group (order by x)", "2"),
        spec("percentile_disc", "percentile_disc(fraction) within group (order by x) -> type of x",
             "the first of the ordered values at that share or after it",
             "percentile_disc(0.75) within group (order by x)", "3"),
        spec("regr_avgx", "regr_avgx(y, x) -> double", "average of x in the rows where y and x are there",
             "regr_avgx(x, x + 1)", "2.6666666666666665"),
        spec("regr_avgy", "regr_avgy(y, x) -> double", "average of y in the rows where y and x are there",
             "regr_avgy(x, x + 1)", "1.6666666666666667"),
        spec("regr_count", "regr_count(y, x) -> bigint", "number of the rows where y and x are there",
             "regr_count(x, x)", "3"),
        spec("regr_intercept", "regr_intercept(y, x) -> double",
             "y at x = 0 on the line through the points that fits best", "regr_intercept(x * 2, x)", "0"),
        spec("regr_r2", "regr_r2(y, x) -> double", "square of the correlation", "regr_r2(x, x)", "1"),
        spec("regr_slope", "regr_slope(y, x) -> double", "slope of the line through the points that fits best",
             "regr_slope(x * 2, x)", "2"),
        spec("regr_sxx", "regr_sxx(y, x) -> double", "sum of the squares of the distances of x from its average",
             "regr_sxx(x, x)", "2.6666666666666665"),
        spec("regr_sxy", "regr_sxy(y, x) -> double",
             "sum of the products of the distances of x and y from their averages", "regr_sxy(x, x)",
             "2.6666666666666665"),
        spec("regr_syy", "regr_syy(y, x) -> double", "sum of the squares of the distances of y from its average",
             "regr_syy(x, x)", "2.6666666666666665"),
        spec("string_agg", "string_agg([distinct] x, delimiter [order by y]) -> text",
             "the texts with the delimiter between them, in the order of the input or the given one",
             "string_agg(x::text, ', ' order by x desc)", "3, 1, 1"),
    };
    return all;
  }();
  return specs;
}

}  // namespace sluice::expression
