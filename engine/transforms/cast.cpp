#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

struct conversion {
  int column = 0;
  expression::bound_ptr value;
};

class cast final : public single_output {
 public:
  cast(const transform_request& request, std::shared_ptr<arrow::Schema> schema, std::vector<conversion> conversions)
      : single_output(request, std::move(schema)),
        input_(request.inputs.front().schema),
        conversions_(std::move(conversions)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    for (const auto& one : conversions_) columns.add(one.column);
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    auto columns = in.data->columns();
    row_errors errors;
    for (const auto& one : conversions_) {
      SLUICE_ASSIGN(auto value, one.value->evaluate(in));
      append_errors(errors, std::move(value.errors), input_->field(one.column)->name());
      columns[one.column] = std::move(value.values);
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    out.emit(0, keep_rows(made_from(in, std::move(columns)), settled));
    return {};
  }

 private:
  std::shared_ptr<arrow::Schema> input_;
  std::vector<conversion> conversions_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "cast", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& schema = *request.inputs.front().schema;
  auto fields = schema.fields();
  const auto names = scope_of(request);
  std::vector<conversion> conversions;
  for (const auto& [name, text] : request.own.items()) {
    const auto path = pointer({"cast", name});
    const auto column = find_column(request, 0, name, path, faults);
    auto type = parse_type(text.get<std::string>());
    if (!type.ok()) {
      auto fault = type.problem();
      fault.path = path;
      faults.push_back(std::move(fault));
    }
    if (column) fields[*column] = fields[*column]->WithType(type.ok() ? *type : unknown_type());
    if (!column || !type.ok()) continue;
    auto inner = expression::bind(quoted_name(schema.field(*column)->name()), names, path, faults);
    if (!inner) continue;
    auto value = expression::cast(std::move(inner), *type, names);
    if (!value) {
      auto fault = user_error("invalid_cast",
                              "column " + name + " is " + type_name(*schema.field(*column)->type()) +
                                  ", and no value of it can become " + type_name(**type),
                              "derive the column by a function instead");
      fault.path = path;
      faults.push_back(std::move(fault));
      continue;
    }
    conversions.push_back({*column, std::move(value)});
  }
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(arrow::schema(std::move(fields)));
  return std::make_unique<cast>(request, arrow::schema(std::move(fields)), std::move(conversions));
}

}  // namespace

const component& cast_transform() {
  static const component self{
      .spec = {.name = "cast",
               .kind = component_kind::transform,
               .summary = "Changes the types of columns",
               .description = "A value that can't be converted is a row error; `on_error` decides what happens to it.",
               .value = {.form = shape::map,
                         .help = "column: type",
                         .required = true,
                         .elements = {{.form = shape::type, .help = "the new type"}}},
               .law = "in = out + rejected",
               .example = R"yaml(version: 1
pipeline: typed-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  typed:
    from: airports
    cast: { alt: double, lat: "decimal(12,7)" }
load:
  show:
    from: typed
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
