#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/literals.hpp"
#include "engine/operators/window_functions/windowed.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

void add_fault(diagnostics& faults, error fault, std::string path) {
  fault.path = std::move(path);
  faults.push_back(std::move(fault));
}

// The entries of derive that do it.
std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "fill", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& own = request.own;
  const auto columns = own.value("columns", options::array());
  const bool by_value = own.contains("value"), by_row = own.contains("with");
  if (by_value == by_row)
    add_fault(faults,
              user_error("invalid_option", "fill takes either `with` or `value`",
                         "fill: { columns: [x], with: last, by: [id], order: [at] }, or value: 0"),
              "/fill");
  if (by_value && (own.contains("by") || own.contains("order")))
    add_fault(faults,
              user_error("invalid_option", "`by` and `order` say where the value before is: they belong to `with`"),
              "/fill");
  const bool last = own.value("with", std::string()) != "next";
  std::string window;
  const auto by = own.value("by", options::array());
  for (std::size_t i = 0; i < by.size(); ++i) {
    const auto column =
        find_column(request, 0, by[i].get<std::string>(), pointer({"fill", "by", std::to_string(i)}), faults);
    if (column) window += (i == 0 ? "partition by " : ", ") + quoted_name(by[i].get<std::string>());
  }
  // As in sort: a column's name, or an expression, with a direction.
  const auto order = own.value("order", options::array());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto text = order[i].get<std::string>();
    window += (i == 0 ? " order by " : ", ") +
              (request.inputs.front().schema->GetFieldIndex(text) >= 0 ? quoted_name(text) : text);
  }
  std::vector<window_functions::entry> entries;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto path = pointer({"fill", "columns", std::to_string(i)});
    const auto name = columns[i].get<std::string>();
    const auto column = find_column(request, 0, name, path, faults);
    if (!column) continue;
    const auto quoted = quoted_name(name);
    const auto text =
        by_value ? "coalesce(" + quoted + ", " + literal_of(own["value"]) + ")"
                 : std::string(last ? "last(" : "first(") + quoted + ") over (" + window + " rows between " +
                       (last ? "unbounded preceding and current row)" : "current row and unbounded following)");
    entries.push_back({request.inputs.front().schema->field(*column)->name(), text, path});
  }
  if (columns.empty())
    add_fault(faults, user_error("invalid_option", "fill has no columns", "fill: { columns: [x], value: 0 }"),
              "/fill/columns");
  if (faults.size() > before || entries.empty()) return make_stand_in(request.inputs.front().schema);
  if (!by_value) return window_functions::make(request, entries, window_functions::shape::derived, faults);
  auto derive = request;
  derive.own = options::object();
  for (const auto& each : entries) derive.own[each.name] = each.text;
  diagnostics found;
  auto made = find_component(component_kind::transform, "derive")->make_transform(derive, found);
  for (auto& fault : found) add_fault(faults, std::move(fault), "/fill/value");
  return made;
}

}  // namespace

const component& fill_transform() {
  static const field_spec column{.form = shape::column, .help = "a column"};
  static const component self{
      .spec = {.name = "fill",
               .kind = component_kind::transform,
               .summary = "Puts values in the place of nulls",
               .description =
                   "`with: last` takes the value of the nearest row before that has one, `with: next` of the nearest after it; `by` keeps groups "
                   "apart, and `order` says which row is before (without it the order of the input). Rows come out sorted by both, as those of "
                   "window functions in [derive](transform-derive.md). `value` takes a fixed value and keeps the order. Where there is nothing "
                   "to take, null stays.",
               .value = {.form = shape::object,
                         .help = "the columns, and what to put into them",
                         .required = true,
                         .elements = {{.name = "columns", .form = shape::list, .help = "columns to fill", .required = true, .elements = {column}},
                                      {.name = "with", .form = shape::text, .help = "take the last value, or the next one", .choices = {"last", "next"}},
                                      {.name = "by", .form = shape::list, .help = "groups of rows", .elements = {column}},
                                      {.name = "order", .form = shape::list, .help = "order of the rows, as in sort", .elements = {{.form = shape::text, .help = "as in sort"}}},
                                      {.name = "value",
                                       .form = shape::one_of,
                                       .help = "a fixed value",
                                       .elements = {{.form = shape::number, .help = "a number"}, {.form = shape::boolean, .help = "true or false"}, {.form = shape::text, .help = "a text"}}}}},
               .law = "in = out + rejected",
               .example = R"yaml(version: 1
pipeline: weather-without-gaps
extract:
  weather:
    csv: { path: examples/data/weather_2013_01.csv }
    columns: [origin, time_hour, temp]
transform:
  whole:
    from: weather
    fill: { columns: [temp], with: last, by: [origin], order: [time_hour] }
load:
  show:
    from: whole
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
