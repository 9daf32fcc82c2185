// Aggregates: what `compute` of the transform aggregate holds.
#include "engine/error/names.hpp"
#include "engine/expression/bind/aggregates.hpp"
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
    {"approx_count_distinct", "approx_count_distinct", takes::ordered},
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
  if (function == "count" || function == "count_star" || function == "approx_count_distinct") return arrow::int64();
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

std::optional<aggregate_call> count_star(binder& rows, const syntax& of) {
  if (of.text != "count") {
    rows.fault(of.begin, "invalid_expression", "only count can be used with *", "write " + of.text + "(column)");
    return std::nullopt;
  }
  return aggregate_call{
      .function = "count_star", .argument = nullptr, .distinct = false, .filter = nullptr, .type = arrow::int64()};
}

std::optional<aggregate_call> with_argument(binder& rows, const syntax& of, const aggregate_kind& kind) {
  if (of.args.size() != 1) {
    rows.fault(of.begin, "wrong_argument_count", of.text + " takes 1 argument, found " + std::to_string(of.args.size()),
               of.text == "count" ? "count(*) counts rows, count(x) those where x is not null" : "");
    return std::nullopt;
  }
  auto value = rows.settle({rows.bind(*of.args[0]), of.args[0]->begin});
  if (!value) return std::nullopt;
  const auto& type = *value->type;
  const bool good = kind.wanted == takes::anything || (kind.wanted == takes::numbers && is_number_type(type)) ||
                    (kind.wanted == takes::booleans && type.id() == arrow::Type::BOOL) ||
                    (kind.wanted == takes::ordered && find_comparison_kernel(comparison::less, type) != nullptr);
  if (!good) {
    const char* wanted = kind.wanted == takes::numbers    ? "a number"
                         : kind.wanted == takes::booleans ? "boolean"
                                                          : "a value that can be sorted";
    rows.fault(of.args[0]->begin, "type_mismatch", of.text + " expects " + wanted + ", found " + type_name(type),
               is_text_type(type) && kind.wanted == takes::numbers
                   ? "cast it: " + of.text + "(" + text_of(*value) + "::double)"
                   : "");
    return std::nullopt;
  }
  auto result = result_type(kind.function, value->type);
  return aggregate_call{.function = kind.function,
                        .argument = make_bound(std::move(value), rows.run_settings()),
                        .distinct = of.distinct,
                        .filter = nullptr,
                        .type = std::move(result)};
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
    auto call = type_aggregate(inner_, of);
    if (!call) return nullptr;
    const auto known =
        std::find_if(made_.calls.begin(), made_.calls.end(), [&](const auto& each) { return same_call(each, *call); });
    const auto index = static_cast<int>(known - made_.calls.begin());
    if (known == made_.calls.end()) made_.calls.push_back(*call);
    return std::make_shared<column_node>(static_cast<int>(keys_.size()) + index, call_name(of), call->type, false);
  }

  // What `explain` shows for the call inside of a larger expression.
  static std::string call_name(const syntax& of) { return of.star ? of.text + "(*)" : of.text + "(...)"; }

  const scope& names_;
  const std::vector<std::string>& keys_;
  const std::string& path_;
  diagnostics& faults_;
  binder inner_;
  binder outer_;
  std::vector<int> key_columns_;
  bound_aggregate made_;
};

}  // namespace

bool is_aggregate(const std::string& name) { return find_kind(name) != nullptr || is_collected_aggregate(name); }

std::optional<aggregate_call> type_aggregate(binder& rows, const syntax& of) {
  const bool collects = is_collected_aggregate(of.text);
  const auto* kind = find_kind(of.text);
  if (kind == nullptr && !collects) {
    rows.fault(of.begin, "not_supported_yet", "the aggregate " + of.text + " is not supported yet");
    return std::nullopt;
  }
  if (!of.order.empty() && !collects) {
    rows.fault(of.begin, "not_supported_yet", "an order in " + of.text + " is not supported",
               "string_agg, array_agg, percentiles and mode have one");
    return std::nullopt;
  }
  auto call = collects ? type_collected(rows, of) : of.star ? count_star(rows, of) : with_argument(rows, of, *kind);
  if (!call || !of.filter) return call;
  auto condition = rows.coerce({rows.bind(*of.filter), of.filter->begin}, arrow::boolean(), "filter (where ...)");
  if (!condition) return std::nullopt;
  call->filter = make_bound(std::move(condition), rows.run_settings());
  return call;
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
