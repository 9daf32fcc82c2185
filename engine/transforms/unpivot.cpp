#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

class unpivot final : public single_output {
 public:
  unpivot(const transform_request& request, std::shared_ptr<arrow::Schema> made, std::vector<int> turned)
      : single_output(request, std::move(made)), input_(request.inputs.front().schema), turned_(std::move(turned)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    columns.add(turned_);
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  // A row becomes several: they come in pieces of a fair size.
  status process(int, batch in, emitter& out) override {
    const auto at_once = std::max<std::int64_t>(target_batch_rows / std::ssize(turned_), 1);
    for (std::int64_t begin = 0; begin < in.rows(); begin += at_once)
      SLUICE_TRY(give(in.slice(begin, std::min(at_once, in.rows() - begin)), out));
    if (in.rows() == 0) out.emit(0, in.with(arrow::RecordBatch::MakeEmpty(schema()).ValueOrDie()));
    return {};
  }

 private:
  status give(const batch& in, emitter& out) {
    const auto count = std::ssize(turned_);
    const auto rows = in.rows(), made = rows * count;
    const auto& type = schema()->field(schema()->num_fields() - 1)->type();
    arrow::Int32Builder parents;
    arrow::Int64Builder places;
    arrow::StringBuilder names;
    SLUICE_TRY_ARROW(parents.Reserve(made), "unpivot");
    SLUICE_TRY_ARROW(places.Reserve(made), "unpivot");
    SLUICE_TRY_ARROW(names.Reserve(made), "unpivot");
    arrow::ArrayVector values;
    for (const int column : turned_) {
      SLUICE_ASSIGN(auto value, widen(in.data->column(column), type));
      values.push_back(std::move(value));
    }
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t i = 0; i < count; ++i) {
        parents.UnsafeAppend(static_cast<std::int32_t>(row));
        places.UnsafeAppend(i * rows + row);
        SLUICE_TRY_ARROW(names.Append(input_->field(turned_[static_cast<std::size_t>(i)])->name()), "unpivot");
      }
    SLUICE_ASSIGN_ARROW(const auto all, arrow::Concatenate(values), "unpivot");
    SLUICE_ASSIGN_ARROW(const auto where, places.Finish(), "unpivot");
    SLUICE_ASSIGN_ARROW(auto column, arrow::compute::Take(*all, *where, arrow::compute::TakeOptions::NoBoundsCheck()),
                        "unpivot");
    SLUICE_ASSIGN_ARROW(auto name, names.Finish(), "unpivot");
    SLUICE_ASSIGN_ARROW(const auto repeats, parents.Finish(), "unpivot");
    arrow::ArrayVector kept;
    arrow::FieldVector fields;
    for (int i = 0; i < in.data->num_columns(); ++i) {
      if (std::find(turned_.begin(), turned_.end(), i) != turned_.end()) continue;
      kept.push_back(in.data->column(i));
      fields.push_back(input_->field(i));
    }
    const auto repeated =
        take_rows(in.with(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(kept))), *repeats);
    auto columns = repeated.data->columns();
    columns.push_back(std::move(name));
    columns.push_back(std::move(column));
    out.count_added(static_cast<std::uint64_t>(made - rows));
    out.emit(0, repeated.with(arrow::RecordBatch::Make(schema(), made, std::move(columns))));
    return {};
  }

  std::shared_ptr<arrow::Schema> input_;
  std::vector<int> turned_;  ///< columns that become rows
};

void add_fault(diagnostics& faults, error fault, std::string path) {
  fault.path = std::move(path);
  faults.push_back(std::move(fault));
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "unpivot", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& input = *request.inputs.front().schema;
  const auto names = request.own.value("columns", options::array());
  std::vector<int> turned;
  std::shared_ptr<arrow::DataType> type;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto path = pointer({"unpivot", "columns", std::to_string(i)});
    const auto column = find_column(request, 0, names[i].get<std::string>(), path, faults);
    if (!column || is_unknown(*input.field(*column)->type())) continue;
    turned.push_back(*column);
    const auto& own = input.field(*column)->type();
    auto both = type ? common_type(type, own) : own;
    if (!both)
      add_fault(
          faults,
          user_error("type_mismatch",
                     "the columns of unpivot need one type, found " + type_name(*type) + " and " + type_name(*own),
                     "cast them first: cast: { " + input.field(*column)->name() + ": text }"),
          path);
    else
      type = std::move(both);
  }
  if (names.empty())
    add_fault(faults,
              user_error("invalid_option", "unpivot has no columns",
                         "unpivot: { columns: [jan, feb], name: month, value: amount }"),
              "/unpivot/columns");
  if (faults.size() > before || turned.empty() || has_unknown_columns(request)) return make_stand_in(unknown_columns());
  arrow::FieldVector fields;
  for (int i = 0; i < input.num_fields(); ++i)
    if (std::find(turned.begin(), turned.end(), i) == turned.end()) fields.push_back(input.field(i));
  fields.push_back(arrow::field(request.own.value("name", std::string("name")), arrow::utf8()));
  fields.push_back(arrow::field(request.own.value("value", std::string("value")), type));
  check_unique(fields, "/unpivot", "give the new columns other names: name: month, value: amount", faults);
  return std::make_unique<unpivot>(request, arrow::schema(std::move(fields)), std::move(turned));
}

}  // namespace

const component& unpivot_transform() {
  static const component self{
      .spec =
          {.name = "unpivot",
           .kind = component_kind::transform,
           .summary = "Makes rows of columns",
           .description =
               "Each row becomes as many rows as `columns` names, in that order: the other columns are repeated, then "
               "come the column's name and its value. Values that are null stay; filter them where they are not "
               "wanted. The values get the type that holds all of them.",
           .value = {.form = shape::object,
                     .help = "the columns, and how name and value are called",
                     .required = true,
                     .elements = {{.name = "columns",
                                   .form = shape::list,
                                   .help = "columns that become rows",
                                   .required = true,
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "name",
                                   .form = shape::text,
                                   .help = "column for the names",
                                   .default_value = "name"},
                                  {.name = "value",
                                   .form = shape::text,
                                   .help = "column for the values",
                                   .default_value = "value"}}},
           .law = "in + added = out (added: each column beyond the first)",
           .example = R"yaml(version: 1
pipeline: coordinates-as-rows
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    types: { lat: double, lon: double, alt: double }
    columns: [faa, lat, lon, alt]
transform:
  long:
    from: airports
    unpivot: { columns: [lat, lon, alt], name: measure, value: number }
load:
  show:
    from: long
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
