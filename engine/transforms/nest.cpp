#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

class nest final : public single_output {
 public:
  nest(const transform_request& request, std::shared_ptr<arrow::Schema> made, std::vector<int> inside)
      : single_output(request, std::move(made)), input_(request.inputs.front().schema), inside_(std::move(inside)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    columns.add(inside_);
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    std::vector<std::shared_ptr<arrow::Array>> columns, fields;
    for (const int column : inside_) fields.push_back(in.data->column(column));
    for (int column = 0; column < in.data->num_columns(); ++column)
      if (std::find(inside_.begin(), inside_.end(), column) == inside_.end())
        columns.push_back(in.data->column(column));
    columns.push_back(
        std::make_shared<arrow::StructArray>(schema()->fields().back()->type(), in.rows(), std::move(fields)));
    out.emit(0, made_from(in, std::move(columns)));
    return {};
  }

 private:
  std::shared_ptr<arrow::Schema> input_;
  std::vector<int> inside_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "nest", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& input = *request.inputs.front().schema;
  const auto names = request.own.value("columns", options::array());
  std::vector<int> inside;
  arrow::FieldVector inner, fields;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (const auto column = find_column(request, 0, names[i].get<std::string>(),
                                        pointer({"nest", "columns", std::to_string(i)}), faults)) {
      inside.push_back(*column);
      inner.push_back(input.field(*column));
    }
  for (int column = 0; column < input.num_fields(); ++column)
    if (std::find(inside.begin(), inside.end(), column) == inside.end()) fields.push_back(input.field(column));
  check_unique(inner, "/nest/columns", "name each column once", faults);
  if (faults.size() > before || inside.empty() || has_unknown_columns(request)) return make_stand_in(unknown_columns());
  fields.push_back(arrow::field(request.own.value("as", std::string()), arrow::struct_(std::move(inner))));
  check_unique(fields, "/nest", "give the struct another name: as: item", faults);
  return std::make_unique<nest>(request, arrow::schema(std::move(fields)), std::move(inside));
}

}  // namespace

const component& nest_transform() {
  static const component self{
      .spec =
          {.name = "nest",
           .kind = component_kind::transform,
           .summary = "Puts columns into one struct",
           .description = "The columns become fields of a struct, which is the last column. To make lists of them, "
                          "aggregate: `items: \"array_agg(item order by line)\"`.",
           .value = {.form = shape::object,
                     .help = "the columns, and the name of the struct",
                     .required = true,
                     .elements = {{.name = "as", .form = shape::text, .help = "name of the struct", .required = true},
                                  {.name = "columns",
                                   .form = shape::list,
                                   .help = "columns that become its fields",
                                   .required = true,
                                   .elements = {{.form = shape::column, .help = "a column"}}}}},
           .law = "in = out",
           .example = R"yaml(version: 1
pipeline: places-of-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  placed:
    from: airports
    nest: { as: place, columns: [lat, lon, alt] }
load:
  show:
    from: placed
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
