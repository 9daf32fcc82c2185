// Aggregates: what `compute` of the transform aggregate holds.
#include "engine/error/names.hpp"
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/parse/lexer.hpp"
#include "engine/expression/parse/parser.hpp"
#include "engine/values/arrow_functions.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/decimal.h>

#include <algorithm>

namespace sluice::expression {

namespace {

enum class takes { anything, numbers, ordered, booleans };

struct aggregate_kind {
  const char* name;      // as written
  const char* function;  // as aggregate_call::function has it
  takes wanted;
};

constexpr aggregate_kind kinds[] = {
    {"any_value", "any_value", takes::anything},
    {"avg", "avg", takes::numbers},
    {"bool_and", "bool_and", takes::booleans},
    {"bool_or", "bool_or", takes::booleans},
    {"count", "count", takes::anything},
    {"every", "bool_and", takes::booleans},
    {"first", "first", takes::anything},
    {"last", "last", takes::anything},
    {"max", "max", takes::ordered},
    {"min", "min", takes::ordered},
    {"stddev", "stddev", takes::numbers},
    {"stddev_pop", "stddev_pop", takes::numbers},
    {"stddev_samp", "stddev", takes::numbers},
    {"sum", "sum", takes::numbers},
    {"var_pop", "var_pop", takes::numbers},
    {"var_samp", "variance", takes::numbers},
    {"variance", "variance", takes::numbers},
};

constexpr const char* planned[] = {"approx_count_distinct", "array_agg", "corr",      "median", "mode",
                                   "percentile_cont",       "quantile",  "string_agg"};

const aggregate_kind* find_kind(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& kind) { return name == kind.name; });
  return found == std::end(kinds) ? nullptr : found;
}

int precision_of(const arrow::DataType& type) { return static_cast<const arrow::DecimalType&>(type).precision(); }
int scale_of(const arrow::DataType& type) { return static_cast<const arrow::DecimalType&>(type).scale(); }
bool is_wide(const arrow::DataType& type) { return type.id() == arrow::Type::DECIMAL256; }

// An average is a quotient by a count, which hardly has more digits than this. Where 38 digits leave it this many
// places they do, so that averages of common decimals can be read by other programs.
constexpr int count_digits = 10;
constexpr int enough_places = 20;

// Sums of integers are bigint (ubigint stays), of decimals have 38 digits, or 76 where they have more than 38: beyond
// that the sum is an overflow.
type_ptr result_type(const std::string& function, const type_ptr& of) {
  if (function == "count" || function == "count_star") return arrow::int64();
  if (function == "sum") {
    if (is_wide(*of)) return arrow::decimal256(76, scale_of(*of));
    if (is_decimal_type(*of)) return arrow::decimal128(38, scale_of(*of));
    if (is_integer_type(*of)) return of->id() == arrow::Type::UINT64 ? of : arrow::int64();
    return arrow::float64();
  }
  if (function == "avg" && is_decimal_type(*of)) {
    const int whole = precision_of(*of) - scale_of(*of);
    const int wanted = quotient_places(scale_of(*of), count_digits);
    const int room = 38 - whole;
    if (!is_wide(*of) && room >= std::min(wanted, enough_places)) return arrow::decimal128(38, std::min(wanted, room));
    return arrow::decimal256(76, std::max(scale_of(*of), std::min(wanted, 76 - whole)));
  }
  if (function == "avg" || function.starts_with("stddev") || function.starts_with("var")) return arrow::float64();
  return of;
}

bool same_call(const aggregate_call& a, const aggregate_call& b) {
  const auto text = [](const bound_ptr& of) {
    return of ? of->to_string() + "::" + type_name(*of->type()) : std::string();
  };
  return a.function == b.function && a.distinct == b.distinct && text(a.argument) == text(b.argument) &&
         text(a.filter) == text(b.filter);
}

// Binds one entry: calls of aggregates over the rows of the input, everything around them over the groups.
class aggregate_binder {
 public:
  aggregate_binder(const scope& names, const std::vector<std::string>& keys, const std::string& path,
                   diagnostics& faults)
      : names_(names),
        keys_(keys),
        path_(path),
        faults_(faults),
        inner_(names, path, faults),
        outer_(names, path, faults) {
    inner_.aggregate_with([this](const syntax& of) {
      return inner_.fault(of.begin, "nested_aggregate", of.text + " can't be used inside another aggregate",
                          "aggregate twice, in two units");
    });
    outer_.aggregate_with([this](const syntax& of) { return add_call(of); });
    outer_.resolve_with([this](const syntax& of) { return key_column(of); });
  }

  std::optional<bound_aggregate> run(std::string_view text) {
    const auto before = faults_.size();
    const auto tree = parse(text, path_, faults_);
    if (!tree) return std::nullopt;
    find_keys();
    auto root = outer_.settle({outer_.bind(*tree), tree->begin});
    if (!root || faults_.size() != before) return std::nullopt;
    if (made_.calls.empty()) {
      outer_.fault(
          tree->begin, "no_aggregate", "expected an aggregate such as sum(amount) or count(*)",
          "the columns of `by` are added to the result automatically; any_value(x) gives any value of a group");
      return std::nullopt;
    }
    made_.type = root->type;
    const auto* bare = dynamic_cast<const column_node*>(root.get());
    if (bare == nullptr || made_.calls.size() != 1 || bare->index != static_cast<int>(keys_.size()))
      made_.final = make_bound(std::move(root), outer_.run_settings());
    return std::move(made_);
  }

 private:
  void find_keys() {
    diagnostics ignored;  // the transform reports unknown keys itself
    for (const auto& key : keys_) {
      const auto place = resolve_column(key, names_, path_, ignored);
      key_columns_.push_back(place.value_or(-1));
    }
  }

  node_ptr key_column(const syntax& of) {
    const auto& parts = of.names;
    const auto place = parts.size() == 1 ? find_column({}, parts[0], names_, path_, of.begin, faults_, of.quoted)
                                         : find_column(parts[0], parts[1], names_, path_, of.begin, faults_, of.quoted);
    if (!place) return nullptr;
    const auto key = std::find(key_columns_.begin(), key_columns_.end(), place->index);
    if (key == key_columns_.end())
      return outer_.fault(of.begin, "not_grouped",
                          "the column " + place->field->name() + " is neither in `by` nor inside an aggregate",
                          "add it to by, or write any_value(" + quoted_identifier(place->field->name()) + ")");
    return make_column({static_cast<int>(key - key_columns_.begin()), place->field}, path_, of.begin, faults_);
  }

  node_ptr add_call(const syntax& of) {
    const auto* kind = find_kind(of.text);
    if (kind == nullptr)
      return outer_.fault(of.begin, "not_supported_yet", "the aggregate " + of.text + " is not supported yet");
    auto call = of.star ? count_star(of) : with_argument(of, *kind);
    if (!call) return nullptr;
    if (of.filter) {
      const argument filter{inner_.bind(*of.filter), of.filter->begin};
      auto condition = inner_.coerce(filter, arrow::boolean(), "filter (where ...)");
      if (!condition) return nullptr;
      call->filter = make_bound(std::move(condition), inner_.run_settings());
    }
    const auto known =
        std::find_if(made_.calls.begin(), made_.calls.end(), [&](const auto& each) { return same_call(each, *call); });
    const auto index = static_cast<int>(known - made_.calls.begin());
    if (known == made_.calls.end()) made_.calls.push_back(*call);
    return std::make_shared<column_node>(static_cast<int>(keys_.size()) + index, call_name(of), call->type, false);
  }

  // What `explain` shows for the call inside of a larger expression.
  static std::string call_name(const syntax& of) { return of.star ? of.text + "(*)" : of.text + "(...)"; }

  std::optional<aggregate_call> count_star(const syntax& of) {
    if (of.text != "count") {
      outer_.fault(of.begin, "invalid_expression", "only count can be used with *", "write " + of.text + "(column)");
      return std::nullopt;
    }
    return aggregate_call{
        .function = "count_star", .argument = nullptr, .distinct = false, .filter = nullptr, .type = arrow::int64()};
  }

  std::optional<aggregate_call> with_argument(const syntax& of, const aggregate_kind& kind) {
    if (of.args.size() != 1) {
      outer_.fault(of.begin, "wrong_argument_count",
                   of.text + " takes 1 argument, found " + std::to_string(of.args.size()),
                   of.text == "count" ? "count(*) counts rows, count(x) those where x is not null" : "");
      return std::nullopt;
    }
    auto value = inner_.settle({inner_.bind(*of.args[0]), of.args[0]->begin});
    if (!value) return std::nullopt;
    const auto& type = *value->type;
    const bool good = kind.wanted == takes::anything || (kind.wanted == takes::numbers && is_number_type(type)) ||
                      (kind.wanted == takes::booleans && type.id() == arrow::Type::BOOL) ||
                      (kind.wanted == takes::ordered && find_comparison_kernel(comparison::less, type) != nullptr);
    if (!good) {
      const char* wanted = kind.wanted == takes::numbers    ? "a number"
                           : kind.wanted == takes::booleans ? "boolean"
                                                            : "a value that can be sorted";
      outer_.fault(of.args[0]->begin, "type_mismatch", of.text + " expects " + wanted + ", found " + type_name(type),
                   is_text_type(type) && kind.wanted == takes::numbers
                       ? "cast it: " + of.text + "(" + text_of(*value) + "::double)"
                       : "");
      return std::nullopt;
    }
    auto result = result_type(kind.function, value->type);
    return aggregate_call{.function = kind.function,
                          .argument = make_bound(std::move(value), inner_.run_settings()),
                          .distinct = of.distinct,
                          .filter = nullptr,
                          .type = std::move(result)};
  }

  const scope& names_;
  const std::vector<std::string>& keys_;
  const std::string& path_;
  diagnostics& faults_;
  binder inner_;
  binder outer_;
  std::vector<int> key_columns_;
  bound_aggregate made_;
};

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

bool is_aggregate(const std::string& name) {
  return find_kind(name) != nullptr || std::find(std::begin(planned), std::end(planned), name) != std::end(planned);
}

const std::vector<function_spec>& aggregate_specs() {
  static const std::vector<function_spec> specs = [] {
    std::vector<function_spec> all = {
        spec("any_value", "any_value(x) -> type of x", "any value of the group that is not null", "any_value(x)", "3"),
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
    };
    return all;
  }();
  return specs;
}

std::optional<bound_aggregate> bind_aggregate(std::string_view text, const scope& names,
                                              const std::vector<std::string>& keys, const std::string& path,
                                              diagnostics& faults) {
  if (!ensure_arrow_functions().ok()) {
    faults.push_back(internal_error("internal_error", "Arrow's compute functions could not be set up"));
    return std::nullopt;
  }
  return aggregate_binder(names, keys, path, faults).run(text);
}

}  // namespace sluice::expression
