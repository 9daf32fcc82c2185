#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/passes_all.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

class drop final : public single_output, public passes_all {
 public:
  drop(const transform_request& request, std::shared_ptr<arrow::Schema> left, std::vector<int> columns)
      : single_output(request, std::move(left)), input_(request.inputs.front().schema), columns_(std::move(columns)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    for (const auto& name : wanted)
      if (schema()->GetFieldIndex(name) >= 0) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    std::vector<std::shared_ptr<arrow::Array>> kept;
    kept.reserve(columns_.size());
    for (const int column : columns_) kept.push_back(in.data->column(column));
    out.emit(0, made_from(in, std::move(kept)));
    return {};
  }

 private:
  std::shared_ptr<arrow::Schema> input_;
  std::vector<int> columns_;  ///< that stay
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "drop", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& schema = *request.inputs.front().schema;
  std::vector<bool> dropped(schema.num_fields());
  const auto names = request.own.is_array() ? request.own : options::array({request.own});
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto path = request.own.is_array() ? pointer({"drop", std::to_string(i)}) : "/drop";
    if (const auto column = find_column(request, 0, names[i].get<std::string>(), path, faults)) dropped[*column] = true;
  }
  std::vector<int> columns;
  arrow::FieldVector fields;
  for (int column = 0; column < schema.num_fields(); ++column) {
    if (dropped[column]) continue;
    columns.push_back(column);
    fields.push_back(schema.field(column));
  }
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(arrow::schema(std::move(fields)));
  if (columns.empty() && !request.pruned) {
    auto fault = user_error("no_columns", "drop would remove all columns", "keep at least one column");
    fault.path = "/drop";
    faults.push_back(std::move(fault));
    return nullptr;
  }
  return std::make_unique<drop>(request, arrow::schema(std::move(fields)), std::move(columns));
}

}  // namespace

const component& drop_transform() {
  static const component self{.spec = {.name = "drop",
                                       .kind = component_kind::transform,
                                       .summary = "Removes columns",
                                       .value = {.form = shape::list,
                                                 .help = "columns to remove",
                                                 .required = true,
                                                 .elements = {{.form = shape::column, .help = "a column"}}},
                                       .law = "in = out",
                                       .example = R"yaml(version: 1
pipeline: airports-in-short
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  short:
    from: airports
    drop: [lat, lon, tz, dst]
load:
  show:
    from: short
    stdout: {}
)yaml"},
                              .make_transform = make};
  return self;
}

}  // namespace sluice
