#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/literals.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

void add_fault(diagnostics& faults, error fault, std::string path) {
  fault.path = std::move(path);
  faults.push_back(std::move(fault));
}

// The aggregate that does it: each value of `into` is a filter.
std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "pivot", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& own = request.own;
  const auto on = own.value("on", std::string());
  const auto into = own.value("into", options::array());
  const auto values = own.value("values", options::object());
  (void)find_column(request, 0, on, "/pivot/on", faults);
  if (into.empty())
    add_fault(
        faults,
        user_error("invalid_option", "pivot has no values that become columns",
                   "list them: into: [jan, feb]; only sluice run and its like on this machine find them, and only "
                   "where pivot is a separate unit"),
        "/pivot/into");
  if (values.empty())
    add_fault(faults, user_error("invalid_option", "pivot computes nothing", "values: { amount: \"sum(amount)\" }"),
              "/pivot/values");
  if (faults.size() > before) return make_stand_in(unknown_columns());
  auto compute = options::object();
  std::vector<std::string> origins;
  for (std::size_t i = 0; i < into.size(); ++i)
    for (const auto& [name, text] : values.items()) {
      const auto column = name + "_" + plain_text(into[i]);
      if (compute.contains(column)) {
        add_fault(faults,
                  user_error("duplicate_column", "the column " + column + " would come twice", "list each value once"),
                  pointer({"pivot", "into", std::to_string(i)}));
        continue;
      }
      const auto condition =
          into[i].is_null() ? quoted_name(on) + " is null" : quoted_name(on) + " = " + literal_of(into[i]);
      compute[column] = expression_text(text) + " filter (where " + condition + ")";
      origins.push_back(name);
    }
  if (faults.size() > before) return make_stand_in(unknown_columns());
  auto aggregate = request;
  aggregate.own = options::object();
  aggregate.own["by"] = own.value("by", options::array());
  aggregate.own["compute"] = compute;
  diagnostics found;
  auto made = find_component(component_kind::transform, "aggregate")->make_transform(aggregate, found);
  for (auto& fault : found) {
    // /aggregate/compute/amount_jan is /pivot/values/amount of the user, and each is told once.
    std::string path = "/pivot";
    std::size_t at = 0;
    for (const auto& [column, text] : compute.items()) {
      if (fault.path == pointer({"aggregate", "compute", column})) path = pointer({"pivot", "values", origins[at]});
      ++at;
    }
    if (fault.path.starts_with("/aggregate/by")) path = "/pivot" + fault.path.substr(10);
    fault.path = path;
    bool told = false;
    for (const auto& each : faults) told = told || (each.path == fault.path && each.message == fault.message);
    if (!told) faults.push_back(std::move(fault));
  }
  return made;
}

}  // namespace

const component& pivot_transform() {
  static const component self{
      .spec = {.name = "pivot",
               .kind = component_kind::transform,
               .summary = "Makes columns of rows",
               .description = "One row comes out for each key of `by`. For each value of `into`, each entry of "
                              "`values` becomes a column: the aggregate over the "
                              "rows whose column `on` has that value, as `amount_jan`. An entry is one call of an "
                              "aggregate, without a filter. Rows "
                              "with other values of `on` count for no column.\n\n"
                              "Without `into`, `sluice run` (and preview, test, explain, validate) reads what the unit "
                              "reads twice: first for the values of `on`, which become columns in their order, at most "
                              "`max`. On nodes, in `steps` and below sources without end `into` must be there.",
               .value = {.form = shape::object,
                         .help = "the keys, the column whose values become columns, and what to compute",
                         .required = true,
                         .elements = {{.name = "by",
                                       .form = shape::list,
                                       .help = "key columns",
                                       .elements = {{.form = shape::column, .help = "a column"}}},
                                      {.name = "on",
                                       .form = shape::column,
                                       .help = "column whose values become columns",
                                       .required = true},
                                      {.name = "values",
                                       .form = shape::map,
                                       .help = "name: aggregate",
                                       .required = true,
                                       .elements = {{.form = shape::expression, .help = "sum(amount), count(*), ..."}}},
                                      {.name = "into",
                                       .form = shape::list,
                                       .help = "the values of `on`, in the order of the columns; without it they "
                                               "are found before the run",
                                       .elements = {{.form = shape::one_of,
                                                     .help = "a value",
                                                     .elements = {{.form = shape::number, .help = "a number"},
                                                                  {.form = shape::boolean, .help = "true or false"},
                                                                  {.form = shape::text, .help = "a text"}}}}},
                                      {.name = "max",
                                       .form = shape::integer,
                                       .help = "without `into`: how many values there may be",
                                       .default_value = 1000}}},
               .law = "in + added = out + merged + rejected, as the aggregate's",
               .example = R"yaml(version: 1
pipeline: temperatures-by-origin
extract:
  weather:
    csv: { path: examples/data/weather_2013_01.csv, null_values: [NA] }
    columns: [origin, day, temp]
transform:
  wide:
    from: weather
    pivot: { by: [day], on: origin, values: { warmest: "max(temp)" }, into: [EWR, JFK, LGA] }
load:
  show:
    from: wide
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
