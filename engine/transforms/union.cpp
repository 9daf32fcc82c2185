#include "engine/component/stand_in.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/operators/timed_output.hpp"
#include "engine/values/types.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

class union_all final : public timed_output {
 public:
  union_all(const transform_request& request, std::shared_ptr<arrow::Schema> schema,
            std::vector<std::vector<int>> columns)
      : timed_output(request, std::move(schema)), columns_(std::move(columns)) {
    for (const auto& input : request.inputs) inputs_.push_back(input.schema);
  }

  // The order keys of one input say nothing about the other's.
  [[nodiscard]] bool keeps_order() const override { return inputs_.size() == 1; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    column_set columns(inputs_[input]);
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int input, batch in, emitter& out) override {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    columns.reserve(columns_[input].size());
    for (std::size_t i = 0; i < columns_[input].size(); ++i) {
      SLUICE_ASSIGN(auto column,
                    widen(in.data->column(columns_[input][i]), schema()->field(static_cast<int>(i))->type()));
      columns.push_back(std::move(column));
    }
    out.emit(0, made_from(in, std::move(columns)));
    return {};
  }

 private:
  std::vector<std::shared_ptr<arrow::Schema>> inputs_;
  std::vector<std::vector<int>> columns_;  ///< for each input, its column at each place of the output
};

void add_fault(diagnostics& faults, std::string code, std::string message, std::string hint) {
  auto fault = user_error(std::move(code), std::move(message), std::move(hint));
  fault.path = "/union";
  faults.push_back(std::move(fault));
}

// Brings the type of a column together over all inputs.
void widen_field(const transform_request& request, int input, std::shared_ptr<arrow::Field>& field,
                 diagnostics& faults) {
  const auto& other = request.inputs[input].schema->GetFieldByName(field->name());
  if (is_unknown(*field->type()) || is_unknown(*other->type())) {
    field = field->WithType(unknown_type());
    return;
  }
  if (auto type = common_type(field->type(), other->type())) {
    field = field->WithType(std::move(type));
    return;
  }
  add_fault(faults, "type_mismatch",
            "column " + field->name() + " is " + type_name(*field->type()) + " in " + request.inputs.front().unit +
                " and " + type_name(*other->type()) + " in " + request.inputs[input].unit +
                ", and there is no type that holds both without loss",
            "cast it in one of them: cast: { " + field->name() + ": text }");
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  const auto before = faults.size();
  if (request.inputs.empty()) {
    require_inputs(request, "union", 2, faults);
    return nullptr;
  }
  auto fields = request.inputs.front().schema->fields();
  std::vector<std::vector<int>> columns(request.inputs.size());
  bool columns_match = true;
  for (std::size_t input = 0; input < request.inputs.size(); ++input) {
    const auto& schema = *request.inputs[input].schema;
    const auto& unit = request.inputs[input].unit;
    const bool any_name = has_unknown_columns(schema) || has_unknown_columns(*request.inputs.front().schema);
    for (auto& field : fields) {
      const int column = schema.GetFieldIndex(field->name());
      if (any_name && column < 0) continue;
      if (column >= 0) {
        widen_field(request, static_cast<int>(input), field, faults);
      } else {
        add_fault(faults, "missing_column",
                  "column " + field->name() + " of " + request.inputs.front().unit + " is not in " + unit,
                  "add it there: derive: { " + field->name() + ": \"null::" + type_name(*field->type()) +
                      "\" }, or drop it from " + request.inputs.front().unit);
      }
      columns[input].push_back(column);
    }
    for (const auto& field : schema.fields()) {
      if (request.inputs.front().schema->GetFieldIndex(field->name()) >= 0) continue;
      if (any_name) {
        fields.push_back(field);
        columns_match = false;
        continue;
      }
      add_fault(faults, "missing_column",
                "column " + field->name() + " of " + unit + " is not in " + request.inputs.front().unit,
                "drop it from " + unit + ", or rename it: union matches columns by name");
    }
  }
  if (faults.size() > before || !columns_match || has_unknown_columns(request))
    return make_stand_in(arrow::schema(std::move(fields)));
  auto made = std::make_unique<union_all>(request, arrow::schema(std::move(fields)), std::move(columns));
  const auto& time = request.inputs.front().time;
  if (std::all_of(request.inputs.begin(), request.inputs.end(), [&](const auto& one) { return one.time == time; }))
    made->set_time(time);
  return made;
}

}  // namespace

const component& union_transform() {
  static const component self{
      .spec = {.name = "union",
               .kind = component_kind::transform,
               .summary = "Combines the rows of several inputs; columns are matched by name",
               .description = "All rows are kept, including duplicates. All inputs must have the same columns, in any "
                              "order; the output uses the order of the first input. If types differ, the output has a "
                              "type that holds all values without loss: integer and bigint give bigint, decimals get "
                              "more digits. The order of the rows is not defined.",
               .value = {.form = shape::object, .help = "no options: `union: {}`"},
               .law = "in = out",
               .example = R"yaml(version: 1
pipeline: places
extract:
  airports:
    csv: { path: examples/data/airports.csv }
  airlines:
    csv: { path: examples/data/airlines.csv }
transform:
  places:
    from: airports
    select: [{ code: faa }, name]
  carriers:
    from: airlines
    select: [{ code: carrier }, name]
  both:
    from: [places, carriers]
    union: {}
load:
  show:
    from: both
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
