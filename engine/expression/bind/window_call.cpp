// Calls with OVER: window functions, and aggregates over frames.
#include "engine/expression/bind/aggregates.hpp"
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/expression/parse/parser.hpp"
#include "engine/expression/windows.hpp"
#include "engine/values/arrow_functions.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <cctype>

namespace sluice::expression {

namespace {

struct window_kind {
  const char* name;
  std::size_t least, most;
};

constexpr window_kind kinds[] = {
    {"cume_dist", 0, 0},    {"dense_rank", 0, 0}, {"first_value", 1, 1}, {"lag", 1, 3},
    {"last_value", 1, 1},   {"lead", 1, 3},       {"nth_value", 2, 2},   {"ntile", 1, 1},
    {"percent_rank", 0, 0}, {"rank", 0, 0},       {"row_number", 0, 0},
};

const window_kind* find_kind(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(kinds), std::end(kinds), [&](const auto& one) { return name == one.name; });
  return found == std::end(kinds) ? nullptr : found;
}

bool can_be_ordered(const arrow::DataType& type) { return find_comparison_kernel(comparison::less, type) != nullptr; }

class window_binder {
 public:
  window_binder(const scope& names, const std::string& path, diagnostics& faults)
      : names_(names), faults_(faults), inner_(names, path, faults), outer_(names, path, faults) {
    for (const auto& input : names.inputs) columns_ += input.schema->num_fields();
    inner_.window_with([this](const syntax& of) {
      return inner_.fault(of.begin, "nested_window_function", of.text + " over (...) can't be used inside another call",
                          "compute it in a separate entry before this one");
    });
    outer_.window_with([this](const syntax& of) { return add_call(of); });
  }

  std::optional<bound_windows> run(std::string_view text, const std::string& path) {
    const auto before = faults_.size();
    const auto tree = parse(text, path, faults_);
    if (!tree) return std::nullopt;
    auto root = outer_.settle({outer_.bind(*tree), tree->begin});
    if (!root || faults_.size() != before) return std::nullopt;
    made_.final = make_bound(std::move(root), outer_.run_settings());
    return std::move(made_);
  }

 private:
  bound_ptr bound_of(node_ptr value) { return make_bound(std::move(value), inner_.run_settings()); }

  node_ptr add_call(const syntax& of) {
    window_call call{.function = of.text,
                     .arguments = {},
                     .filter = nullptr,
                     .partition = {},
                     .order = {},
                     .frame = {},
                     .type = nullptr,
                     .text = of.text + " over (...)"};
    const auto& window = *of.window;
    const bool good = find_kind(of.text) != nullptr ? window_function(of, call) : aggregate(of, call);
    if (!keys(window, call) || !frame(window, call) || !good) return nullptr;
    const auto index = columns_ + static_cast<int>(made_.calls.size());
    auto type = call.type;
    made_.calls.push_back(std::move(call));
    return std::make_shared<column_node>(index, of.text + "(...) over (...)", std::move(type), false);
  }

  bool refuse(std::size_t at, const char* code, std::string message, std::string hint = {}) {
    inner_.fault(at, code, std::move(message), std::move(hint));
    return false;
  }

  bool window_function(const syntax& of, window_call& call) {
    const auto& kind = *find_kind(of.text);
    if (of.star || of.distinct || of.filter || !of.order.empty())
      return refuse(of.begin, "invalid_expression",
                    "*, distinct, filter and an order can only be used in aggregates, not in " + of.text);
    if (of.args.size() < kind.least || of.args.size() > kind.most)
      return refuse(of.begin, "wrong_argument_count",
                    of.text + " takes " + std::to_string(kind.least) +
                        (kind.most > kind.least ? " to " + std::to_string(kind.most) : "") +
                        (kind.most == 1 ? " argument, found " : " arguments, found ") + std::to_string(of.args.size()));
    std::vector<argument> args;
    for (const auto& each : of.args) {
      args.push_back({inner_.bind(*each), each->begin});
      if (!args.back().value) return false;
    }
    const auto whole = [&](std::size_t index) {
      args[index].value = inner_.coerce(args[index], arrow::int64(), of.text);
      return args[index].value != nullptr;
    };
    if (of.text == "ntile") {
      if (!whole(0)) return false;
      call.type = arrow::int32();
    } else if (of.text == "percent_rank" || of.text == "cume_dist") {
      call.type = arrow::float64();
    } else if (args.empty()) {
      call.type = arrow::int64();
    } else {
      if (args.size() > 1 && !whole(1)) return false;
      if (args.size() > 2) {
        std::vector<argument> values = {args[0], args[2]};
        call.type = inner_.unify(values, of.text);
        if (!call.type) return false;
        args[0] = values[0];
        args[2] = values[1];
      } else {
        args[0].value = inner_.settle(args[0]);
        call.type = args[0].value->type;
      }
    }
    for (auto& each : args) call.arguments.push_back(bound_of(each.value));
    return true;
  }

  bool aggregate(const syntax& of, window_call& call) {
    if (!is_aggregate(of.text))
      return refuse(of.begin, find_function(of.text) != nullptr ? "invalid_expression" : "unknown_function",
                    of.text + " is neither a window function nor an aggregate", "sluice functions lists both");
    if (of.distinct)
      return refuse(of.begin, "not_supported_yet", "distinct with over (...) is not supported",
                    "aggregate with distinct in a separate unit, then join");
    const auto typed = type_aggregate(inner_, of);
    if (!typed) return false;
    call.function = typed->function;
    if (typed->argument) {
      auto argument = typed->argument;
      // Behind a filter, the argument has errors only in rows that the filter lets pass.
      if (typed->filter && !argument->as_column())
        argument =
            bound_of(make_branches({node_of(typed->filter), node_of(argument), null_constant(argument->type())}));
      call.arguments.push_back(std::move(argument));
    }
    call.filter = typed->filter;
    call.type = typed->type;
    return true;
  }

  bool keys(const window_syntax& window, window_call& call) {
    bool good = true;
    const auto bind_key = [&](const syntax& of, const char* what) -> node_ptr {
      auto value = inner_.settle({inner_.bind(of), of.begin});
      if (value && !can_be_ordered(*value->type)) {
        inner_.fault(of.begin, "not_supported_yet",
                     std::string(what) + " a value of type " + type_name(*value->type) + " is not supported yet");
        value = nullptr;
      }
      good = good && value != nullptr;
      return value;
    };
    for (const auto& each : window.partition)
      if (auto value = bind_key(*each, "partitions by")) call.partition.push_back(bound_of(std::move(value)));
    for (const auto& each : window.order) {
      auto value = bind_key(*each.value, "an order by");
      if (value) call.order.push_back({bound_of(std::move(value)), each.descending, each.nulls_first});
    }
    return good;
  }

  bool frame(const window_syntax& window, window_call& call) {
    auto& frame = call.frame;
    frame.unit = window.unit;
    frame.start = window.start;
    frame.end = window.end;
    frame.exclusion = window.exclusion;
    if (window.unit == frame_unit::groups && window.order.empty())
      return refuse(window.frame_begin, "invalid_expression", "groups needs order by in its window");
    if (window.unit != frame_unit::range)
      return count(window.start_offset, frame.start_count) && count(window.end_offset, frame.end_count);
    if (!window.start_offset && !window.end_offset) return true;
    if (window.order.size() != 1)
      return refuse(
          window.frame_begin, "invalid_expression",
          "range with an offset needs exactly one key in order by, found " + std::to_string(window.order.size()));
    return limits(window, frame);
  }

  // rows and groups: a number of them, known before any row is looked at.
  bool count(const syntax_ptr& of, std::int64_t& out) {
    if (!of) return true;
    const auto value = inner_.coerce({inner_.bind(*of), of->begin}, arrow::int64(), "the offset of a frame");
    if (!value) return false;
    const auto found = constant_integer(value);
    if (!found)
      return refuse(of->begin, "invalid_expression", "the offset of a frame must be a constant that is not null");
    if (*found < 0) return refuse(of->begin, "invalid_expression", "the offset of a frame can't be negative");
    out = *found;
    return true;
  }

  // range: the limits are computed like any other value, key - offset and key + offset.
  bool limits(const window_syntax& window, window_frame& frame) {
    const auto& order = window.order[0];
    const argument key{inner_.settle({inner_.bind(*order.value), order.value->begin}), order.value->begin};
    if (!key.value) return false;
    const auto& type = *key.value->type;
    const bool moment = type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::TIMESTAMP;
    if (!is_number_type(type) && !moment)
      return refuse(window.frame_begin, "not_supported_yet",
                    "range with an offset is not supported for an order by " + type_name(type),
                    "order by a number, a date or a timestamp");
    node_ptr start, end;
    if (window.start_offset && !(start = limit(key, *window.start_offset, frame.start, order.descending))) return false;
    if (window.end_offset && !(end = limit(key, *window.end_offset, frame.end, order.descending))) return false;
    // All three in one type, so that their order can be compared.
    std::vector<argument> all = {key};
    if (start) all.push_back({start, window.start_offset->begin});
    if (end) all.push_back({end, window.end_offset->begin});
    if (!inner_.unify(all, "range")) return false;
    frame.range_key = bound_of(all[0].value);
    if (start) frame.start_limit = bound_of(all[1].value);
    if (end) frame.end_limit = bound_of(all.back().value);
    return true;
  }

  node_ptr limit(const argument& key, const syntax& of, frame_bound bound, bool descending) {
    argument offset{inner_.bind(of), of.begin};
    if (!offset.value) return nullptr;
    auto from = key;
    const bool number = is_number_type(*key.value->type);
    const bool whole = number && is_integer_type(*key.value->type);
    const std::string what = "range with an order by " + type_name(*key.value->type);
    if (!number)
      offset.value = inner_.coerce(offset, interval_type(), what);
    else if (whole)
      offset.value = inner_.coerce(offset, arrow::int64(), what);
    else if (is_floating_type(*key.value->type))
      offset.value = inner_.coerce(offset, arrow::float64(), what);
    else
      offset.value = inner_.settle(offset);
    if (!offset.value) return nullptr;
    const auto* constant = as_constant(offset.value);
    if (constant == nullptr || constant->is_null())
      return inner_.fault(of.begin, "invalid_expression", "the offset of a frame must be a constant that is not null");
    if (is_negative(*constant))
      return inner_.fault(of.begin, "invalid_expression", "the offset of a frame can't be negative");
    // With more digits there is no overflow.
    if (whole) {
      from.value = inner_.cast(from, arrow::decimal128(20, 0));
      offset.value = inner_.cast(offset, arrow::decimal128(20, 0));
    }
    if (number && is_floating_type(*key.value->type)) from.value = inner_.cast(from, arrow::float64());
    const bool back = (bound == frame_bound::preceding) != descending;
    return from.value && offset.value
               ? inner_.arithmetic_of(back ? arithmetic::subtract : arithmetic::add, from, offset, of.begin)
               : nullptr;
  }

  static bool is_negative(const constant_node& of) {
    if (of.type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO)
      return interval_length(static_cast<const arrow::MonthDayNanoIntervalArray&>(*of.value).GetValue(0)) < 0;
    const auto text = value_text(*of.value, 0);
    return !text.empty() && text[0] == '-' && text.find_first_of("123456789I") != std::string::npos;
  }

  const scope& names_;
  diagnostics& faults_;
  binder inner_;
  binder outer_;
  int columns_ = 0;
  bound_windows made_;
};

function_spec spec(const char* name, const char* signature, const char* summary, const char* example,
                   const char* result) {
  return {
      .name = name, .kind = "window", .signature = signature, .summary = summary, .example = example, .result = result};
}

}  // namespace

bool is_window_function(const std::string& name) { return find_kind(name) != nullptr; }

const std::vector<function_spec>& window_function_specs() {
  static const std::vector<function_spec> specs = {
      spec("cume_dist", "cume_dist() over (...) -> double",
           "share of the rows of the partition that come up to the row or with it", "cume_dist() over (order by x)",
           "0.5, 0.5, 0.75, 1"),
      spec("dense_rank", "dense_rank() over (... order by x) -> bigint",
           "rank without gaps: rows with equal keys have one rank", "dense_rank() over (order by x)", "1, 1, 2, 3"),
      spec("first_value", "first_value(x) over (...) -> type of x", "value in the first row of the frame",
           "first_value(x) over (order by x)", "1, 1, 1, 1"),
      spec("lag", "lag(x [, offset [, default]]) over (... order by y) -> type of x",
           "value in the row before, or `offset` rows before; beyond the partition null, or `default`",
           "lag(x, 1, 0) over (order by x)", "0, 1, 1, 3"),
      spec("last_value", "last_value(x) over (...) -> type of x",
           "value in the last row of the frame; without a frame that is the last row with the same key as this one",
           "last_value(x) over (order by x rows between current row and unbounded following)",
           "null, null, null, null"),
      spec("lead", "lead(x [, offset [, default]]) over (... order by y) -> type of x",
           "value in the row after this one, or `offset` rows after; beyond the partition null, or `default`",
           "lead(x) over (order by x)", "1, 3, null, null"),
      spec("nth_value", "nth_value(x, n) over (...) -> type of x",
           "value in row n of the frame, from 1; null where there is none", "nth_value(x, 3) over (order by x)",
           "null, null, 3, 3"),
      spec("ntile", "ntile(n) over (... order by x) -> integer",
           "number of the part, where the rows are divided into n parts of equal size", "ntile(2) over (order by x)",
           "1, 1, 2, 2"),
      spec("percent_rank", "percent_rank() over (... order by x) -> double", "(rank - 1) / (rows of the partition - 1)",
           "percent_rank() over (order by x)", "0, 0, 0.6666666666666666, 1"),
      spec("rank", "rank() over (... order by x) -> bigint",
           "1 + the rows that come before: rows with equal keys have one rank, then there is a gap",
           "rank() over (order by x)", "1, 1, 3, 4"),
      spec("row_number", "row_number() over (...) -> bigint", "number of the row in its partition, from 1",
           "row_number() over (order by x)", "1, 2, 3, 4"),
  };
  return specs;
}

// The word `over` before a parenthesis, outside of quotes.
bool mentions_window(std::string_view text) {
  char quote = 0;
  const auto lower = [&](std::size_t at) {
    return at < text.size() ? std::tolower(static_cast<unsigned char>(text[at])) : 0;
  };
  const auto is_name = [&](std::size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') {
      quote = c;
      continue;
    }
    if (lower(i) != 'o' || lower(i + 1) != 'v' || lower(i + 2) != 'e' || lower(i + 3) != 'r' || is_name(i + 4) ||
        (i > 0 && is_name(i - 1)))
      continue;
    // A column may be called over: behind a call there is a closing parenthesis.
    auto before = i;
    while (before > 0 && std::isspace(static_cast<unsigned char>(text[before - 1])) != 0) --before;
    if (before > 0 && text[before - 1] == ')') return true;
  }
  return false;
}

std::optional<bound_windows> bind_windows(std::string_view text, const scope& names, const std::string& path,
                                          diagnostics& faults) {
  if (!ensure_arrow_functions().ok()) {
    faults.push_back(internal_error("internal_error", "Arrow's compute functions could not be set up"));
    return std::nullopt;
  }
  return window_binder(names, path, faults).run(text, path);
}

}  // namespace sluice::expression
