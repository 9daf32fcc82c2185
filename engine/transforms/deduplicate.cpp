#include "engine/component/stand_in.hpp"
#include "engine/operators/deduplicates/keep.hpp"
#include "engine/operators/deduplicates/keep_within.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/quantities.hpp"

#include <arrow/type.h>

#include <optional>

namespace sluice {

namespace {

// Columns of `by`; all of them where nothing is named.
std::vector<int> key_columns(const transform_request& request, const options& by, const std::string& path,
                             diagnostics& faults) {
  std::vector<int> columns;
  const auto& schema = *request.inputs.front().schema;
  if (by.empty()) {
    for (int column = 0; column < schema.num_fields(); ++column) columns.push_back(column);
  }
  for (std::size_t i = 0; i < by.size(); ++i)
    if (const auto column = find_column(request, 0, by[i].get<std::string>(), path + "/" + std::to_string(i), faults))
      columns.push_back(*column);
  for (const int column : columns) {
    if (is_unknown(*schema.field(column)->type())) continue;
    auto checked = flow::check_key_type(*schema.field(column)->type(), schema.field(column)->name());
    if (checked.ok()) continue;
    auto fault = checked.problem();
    fault.path = path;
    faults.push_back(std::move(fault));
  }
  return columns;
}

// `within`, if it is given; the faults say what it can't be.
std::optional<std::int64_t> read_within(const transform_request& request, bool ordered, diagnostics& faults) {
  if (!request.own.contains("within") || request.own["within"].is_null()) return {};
  const auto add_fault = [&](error fault) {
    fault.path = "/deduplicate/within";
    faults.push_back(std::move(fault));
  };
  const auto parsed = parse_duration(request.own["within"].get<std::string>());
  if (!parsed.ok()) {
    add_fault(parsed.problem());
  } else if (*parsed <= 0) {
    add_fault(user_error("invalid_option", "within must be longer than 0s", "within: 1h"));
  } else if (ordered) {
    add_fault(user_error("invalid_option",
                         "within and order can't be used together: with within the first row that comes is kept",
                         "remove one of them"));
  } else {
    return *parsed;
  }
  return {};
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "deduplicate", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto by = request.own.is_array() ? request.own : options::array();
  auto order = options::array();
  std::optional<std::int64_t> within;
  if (request.own.is_object()) {
    by = request.own.value("by", options::array());
    order = request.own.value("order", options::array());
    within = read_within(request, !order.empty(), faults);
  }
  auto columns = key_columns(request, by, request.own.is_array() ? "/deduplicate" : "/deduplicate/by", faults);
  std::vector<sort_key> keys;
  if (!order.empty()) keys = bind_sort_keys(request, order, "/deduplicate/order", faults);
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(request.inputs.front().schema);
  if (within) return keep_rows_within(request, std::move(columns), *within, faults);
  if (keys.empty()) return keep_first_rows(request, std::move(columns));
  return keep_best_rows(request, std::move(columns), std::move(keys));
}

}  // namespace

const component& deduplicate_transform() {
  static const field_spec column{.form = shape::column, .help = "a column"};
  static const component self{
      .spec =
          {.name = "deduplicate",
           .kind = component_kind::transform,
           .summary = "Keeps one row for each key",
           .description =
               "Without `order`, the first row of the input is kept and passed on at once. With `order`, sort "
               "order: the first row is kept, and the output starts when all rows have arrived; the kept rows stay "
               "in the order of the input. With `within`, a row is dropped only if one with the same key was kept that "
               "happened less than that before or after it by event time; keys are forgotten when the watermark has "
               "passed them, so that a stream without end can be deduplicated. Rows older than the watermark go to the "
               "port `late`, or to the rejects (late_row) if nothing reads it. Without `by`, all columns are compared. "
               "Nulls are equal to each other.",
           .value = {.form = shape::one_of,
                     .help = "the key columns, and which row to keep",
                     .elements = {{.form = shape::object,
                                   .help = "the key columns, and which row to keep",
                                   .elements = {{.name = "by",
                                                 .form = shape::list,
                                                 .help = "key columns; empty: all columns",
                                                 .elements = {column}},
                                                {.name = "order",
                                                 .form = shape::list,
                                                 .help = "sort order: the first row is kept",
                                                 .elements = {{.form = shape::text, .help = "as in sort"}}},
                                                {.name = "within",
                                                 .form = shape::duration,
                                                 .help = "only rows that happened so close to each other are "
                                                         "repetitions; needs `time:` in the source"}}},
                                  {.form = shape::list, .help = "key columns", .elements = {column}},
                                  {.form = shape::boolean, .help = "true: all columns are the key"}}},
           .law = "in = out + merged + rejected",
           .example = R"yaml(version: 1
pipeline: highest-airport-of-each-zone
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  highest:
    from: airports
    deduplicate: { by: [tzone], order: [alt desc] }
load:
  show:
    from: highest
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
