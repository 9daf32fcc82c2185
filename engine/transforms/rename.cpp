#include "engine/component/stand_in.hpp"
#include "engine/operators/passes_all.hpp"
#include "engine/operators/timed_output.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

class rename final : public timed_output, public passes_all {
 public:
  rename(const transform_request& request, std::shared_ptr<arrow::Schema> renamed)
      : timed_output(request, std::move(renamed)), input_(request.inputs.front().schema) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    for (const auto& name : wanted)
      if (const int column = schema()->GetFieldIndex(name); column >= 0) columns.add(column);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    out.emit(0, made_from(in, in.data->columns()));
    return {};
  }

 private:
  std::shared_ptr<arrow::Schema> input_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "rename", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto fields = request.inputs.front().schema->fields();
  for (const auto& [from, to] : request.own.items()) {
    if (const auto column = find_column(request, 0, from, pointer({"rename", from}), faults))
      fields[*column] = fields[*column]->WithName(to.get<std::string>());
    else if (!request.pruned)
      fields.push_back(arrow::field(to.get<std::string>(), unknown_type()));
  }
  check_unique(fields, "/rename", "choose another name, or drop the other column first", faults);
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(arrow::schema(std::move(fields)));
  auto made = std::make_unique<rename>(request, arrow::schema(std::move(fields)));
  if (auto time = request.inputs.front().time; time && request.own.contains(time->column)) {
    time->column = request.own[time->column].get<std::string>();
    made->set_time(std::move(time));
  }
  return made;
}

}  // namespace

const component& rename_transform() {
  static const component self{
      .spec = {.name = "rename",
               .kind = component_kind::transform,
               .summary = "Renames columns",
               .description = "All names are changed at once, so that two columns can swap names. No data is copied.",
               .value = {.form = shape::map,
                         .help = "old name: new name",
                         .required = true,
                         .elements = {{.form = shape::text, .help = "the new name"}}},
               .law = "in = out",
               .example = R"yaml(version: 1
pipeline: carriers
extract:
  airlines:
    csv: { path: examples/data/airlines.csv }
transform:
  carriers:
    from: airlines
    rename: { carrier: code, name: airline }
load:
  show:
    from: carriers
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
