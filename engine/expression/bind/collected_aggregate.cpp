// Aggregates that read several values of a row, or the values of a group in an order: string_agg, array_agg,
// percentiles, mode, corr, regr_... Their argument is a struct: the values, then the keys of the order.
#include "engine/expression/bind/aggregates.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace sluice::expression {

namespace {

constexpr const char* pairs[] = {"corr",           "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count",
                                 "regr_intercept", "regr_r2",   "regr_slope", "regr_sxx",  "regr_sxy",  "regr_syy"};
constexpr const char* bits[] = {"bit_and", "bit_or", "bit_xor"};
constexpr const char* ordered[] = {"array_agg", "median", "mode", "percentile_cont", "percentile_disc", "string_agg"};

template <class Names>
bool is_one_of(const std::string& name, const Names& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

result<array_ptr> row_kernel(call& c) {
  arrow::ArrayVector columns;
  for (const auto& each : c.args) {
    SLUICE_ASSIGN(auto column, as_array(each, c.rows));
    columns.push_back(std::move(column));
  }
  return array_ptr(std::make_shared<arrow::StructArray>(c.type, c.rows, std::move(columns)));
}

// Values side by side; nulls stay inside.
node_ptr row_of(std::vector<node_ptr> values) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < values.size(); ++i)
    fields.push_back(arrow::field("f" + std::to_string(i), values[i]->type));
  // Never computed when bound: rows without columns are as many as the batch has.
  return std::make_shared<call_node>("row", arrow::struct_(std::move(fields)), std::move(values), row_kernel,
                                     call_node::options{.null_in_null_out = false});
}

class collected_binder {
 public:
  collected_binder(binder& rows, const syntax& of) : rows_(rows), of_(of), name_(of.text) {}

  std::optional<aggregate_call> run() {
    if (of_.star) return refuse(of_.begin, "invalid_expression", "only count can be used with *");
    if (is_one_of(name_, pairs)) return pair();
    if (is_one_of(name_, bits)) return bit();
    if (name_ == "string_agg") return string_agg();
    if (name_ == "array_agg") return array_agg();
    return percentile();
  }

 private:
  std::nullopt_t refuse(std::size_t at, const char* code, std::string message, std::string hint = {}) {
    rows_.fault(at, code, std::move(message), std::move(hint));
    return std::nullopt;
  }
  bool count(std::size_t wanted, const char* form) {
    if (of_.args.size() == wanted) return true;
    refuse(of_.begin, "wrong_argument_count",
           name_ + " takes " + std::to_string(wanted) + (wanted == 1 ? " argument" : " arguments") + ", found " +
               std::to_string(of_.args.size()),
           form);
    return false;
  }
  node_ptr value(std::size_t index) { return rows_.settle({rows_.bind(*of_.args[index]), of_.args[index]->begin}); }
  node_ptr coerced(std::size_t index, const type_ptr& to) {
    return rows_.coerce({rows_.bind(*of_.args[index]), of_.args[index]->begin}, to, name_);
  }
  aggregate_call made(std::vector<node_ptr> values, type_ptr type, std::string parameters = {}) {
    // What its constants say stands behind the name, in the form that the accumulator reads.
    return {.function = parameters.empty() ? name_ : name_ + "(" + parameters + ")",
            .argument = make_bound(row_of(std::move(values)), rows_.run_settings()),
            .distinct = false,
            .filter = nullptr,
            .type = std::move(type)};
  }

  // Two numbers as doubles, the dependent one first, as in PostgreSQL.
  std::optional<aggregate_call> pair() {
    if (!count(2, "y, then x") || !plain()) return std::nullopt;
    auto y = coerced(0, arrow::float64());
    auto x = coerced(1, arrow::float64());
    if (!y || !x) return std::nullopt;
    return made({y, x}, name_ == "regr_count" ? arrow::int64() : arrow::float64());
  }
  bool plain() {
    if (of_.order.empty() && !of_.distinct) return true;
    refuse(of_.begin, "invalid_expression", "distinct and an order can't be used in " + name_);
    return false;
  }

  std::optional<aggregate_call> bit() {
    if (!count(1, "") || (!of_.order.empty() && !plain())) return std::nullopt;
    auto one = value(0);
    if (!one) return std::nullopt;
    if (!is_integer_type(*one->type))
      return refuse(of_.args[0]->begin, "type_mismatch", name_ + " expects an integer, found " + type_name(*one->type));
    auto type = one->type;
    auto call = made({std::move(one)}, std::move(type));
    // A value that comes twice changes bit_xor only.
    if (name_ == "bit_xor" && of_.distinct)
      return refuse(of_.begin, "not_supported_yet", "bit_xor(distinct ...) is not supported");
    return call;
  }

  // The keys of ORDER BY behind the values; what they say goes into `parameters`: a or d, then l or f.
  bool keys(std::vector<node_ptr>& values, std::string& parameters) {
    for (const auto& each : of_.order) {
      auto key = rows_.settle({rows_.bind(*each.value), each.value->begin});
      if (!key) return false;
      if (find_comparison_kernel(comparison::less, *key->type) == nullptr) {
        refuse(each.value->begin, "not_supported_yet",
               "an order by a value of type " + type_name(*key->type) + " is not supported yet");
        return false;
      }
      if (of_.distinct && text_of(*key) != text_of(*values[0])) {
        refuse(each.value->begin, "invalid_expression", "with distinct, only the value itself can be in order by",
               "write " + name_ + "(distinct x ... order by x)");
        return false;
      }
      parameters += each.descending ? 'd' : 'a';
      parameters += each.nulls_first ? 'f' : 'l';
      values.push_back(std::move(key));
    }
    // As in PostgreSQL, distinct values come sorted.
    if (of_.distinct && of_.order.empty()) {
      parameters += "al";
      values.push_back(values[0]);
    }
    if (of_.distinct) parameters += '1';
    return true;
  }

  std::optional<aggregate_call> string_agg() {
    if (of_.within_group)
      return refuse(of_.begin, "invalid_expression", "string_agg has its order inside",
                    "write string_agg(x, ',' order by x)");
    if (!count(2, "string_agg(x, ', ' order by x)")) return std::nullopt;
    auto text = coerced(0, arrow::utf8());
    auto delimiter = coerced(1, arrow::utf8());
    if (!text || !delimiter) return std::nullopt;
    const auto* constant = as_constant(delimiter);
    if (constant == nullptr)
      return refuse(of_.args[1]->begin, "not_supported_yet", "the delimiter of string_agg must be a constant");
    std::vector<node_ptr> values = {std::move(text)};
    std::string parameters;
    if (!keys(values, parameters)) return std::nullopt;
    const auto between = constant->is_null() ? std::string() : value_text(*constant->value, 0);
    return made(std::move(values), arrow::utf8(), parameters + ":" + between);
  }

  std::optional<aggregate_call> array_agg() {
    if (of_.within_group)
      return refuse(of_.begin, "invalid_expression", "array_agg has its order inside", "write array_agg(x order by y)");
    if (!count(1, "array_agg(x order by y)")) return std::nullopt;
    auto one = value(0);
    if (!one) return std::nullopt;
    if (of_.distinct && find_comparison_kernel(comparison::less, *one->type) == nullptr)
      return refuse(of_.args[0]->begin, "not_supported_yet",
                    "array_agg(distinct ...) of " + type_name(*one->type) + " is not supported yet");
    auto type = arrow::list(one->type);
    std::vector<node_ptr> values = {std::move(one)};
    std::string parameters;
    if (!keys(values, parameters)) return std::nullopt;
    return made(std::move(values), std::move(type), parameters + ":");
  }

  // percentile_cont(0.5) within group (order by x), mode() within group (order by x); median(x) and mode(x) are short.
  std::optional<aggregate_call> percentile() {
    const bool takes_fraction = name_.starts_with("percentile");
    std::string parameters;
    node_ptr one;
    bool descending = false;
    if (of_.distinct) return refuse(of_.begin, "invalid_expression", "distinct can't be used in " + name_);
    if (of_.within_group && name_ != "median") {
      if (!count(takes_fraction ? 1 : 0, "percentile_cont(0.5) within group (order by x)")) return std::nullopt;
      if (of_.order.size() != 1)
        return refuse(of_.begin, "wrong_argument_count", name_ + " takes one value in within group (order by ...)");
      descending = of_.order[0].descending;
      one = rows_.settle({rows_.bind(*of_.order[0].value), of_.order[0].value->begin});
    } else if (takes_fraction || of_.within_group || !of_.order.empty()) {
      return refuse(of_.begin, "invalid_expression", name_ + " needs another form",
                    takes_fraction ? "write " + name_ + "(0.5) within group (order by x)" : "write " + name_ + "(x)");
    } else {
      if (!count(1, "")) return std::nullopt;
      one = value(0);
    }
    if (!one) return std::nullopt;
    const bool continuous = name_ == "percentile_cont" || name_ == "median";
    if (continuous) {
      one = rows_.coerce({one, of_.begin}, arrow::float64(), name_);
      if (!one) return std::nullopt;
    } else if (find_comparison_kernel(comparison::less, *one->type) == nullptr) {
      return refuse(of_.begin, "type_mismatch",
                    name_ + " expects a value that can be sorted, found " + type_name(*one->type));
    }
    if (takes_fraction) {
      const auto fraction = coerced(0, arrow::float64());
      if (!fraction) return std::nullopt;
      const auto* constant = as_constant(fraction);
      const double share = constant == nullptr || constant->is_null()
                               ? -1
                               : static_cast<const arrow::DoubleArray&>(*constant->value).Value(0);
      if (!(share >= 0 && share <= 1))
        return refuse(of_.args[0]->begin, "out_of_range",
                      "the fraction of " + name_ + " must be a constant between 0 and 1");
      parameters = value_text(*constant->value, 0);
    }
    auto type = one->type;
    std::vector<node_ptr> values = {one};
    if (!continuous) values.push_back(one);  // as the key of the order
    return made(std::move(values), std::move(type),
                std::string(descending ? "df" : "al") + ":" + (name_ == "median" ? "0.5" : parameters));
  }

  binder& rows_;
  const syntax& of_;
  const std::string& name_;
};

}  // namespace

bool is_collected_aggregate(const std::string& name) {
  return is_one_of(name, pairs) || is_one_of(name, bits) || is_one_of(name, ordered);
}

std::optional<aggregate_call> type_collected(binder& rows, const syntax& of) {
  return collected_binder(rows, of).run();
}

}  // namespace sluice::expression
