#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <set>
#include <vector>

namespace sluice {

namespace {

// A column of the output: one of the input, and the fields that lead to it.
struct leaf {
  int column = 0;
  std::vector<int> path = {};
};

class flatten final : public single_output {
 public:
  flatten(const transform_request& request, std::shared_ptr<arrow::Schema> made, std::vector<leaf> leaves)
      : single_output(request, std::move(made)), input_(request.inputs.front().schema), leaves_(std::move(leaves)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    // A struct is kept whole where it is flattened, so that the names of its fields stay known.
    column_set columns(input_);
    for (const auto& each : leaves_)
      if (!each.path.empty()) columns.add(each.column);
    for (const auto& name : wanted)
      if (const int at = schema()->GetFieldIndex(name); at >= 0)
        columns.add(leaves_[static_cast<std::size_t>(at)].column);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (const auto& each : leaves_) {
      auto value = in.data->column(each.column);
      for (const int field : each.path) {
        SLUICE_ASSIGN_ARROW(value, static_cast<const arrow::StructArray&>(*value).GetFlattenedField(field), "flatten");
      }
      columns.push_back(std::move(value));
    }
    out.emit(0, made_from(in, std::move(columns)));
    return {};
  }

 private:
  std::shared_ptr<arrow::Schema> input_;
  std::vector<leaf> leaves_;
};

// Adds the fields of a struct, down to `depth`; deeper ones stay structs.
void add_fields(const arrow::DataType& type, const std::string& prefix, std::int64_t depth, const leaf& from,
                std::vector<leaf>& leaves, arrow::FieldVector& fields) {
  for (int i = 0; i < type.num_fields(); ++i) {
    auto next = from;
    next.path.push_back(i);
    const auto& field = *type.field(i);
    if (field.type()->id() == arrow::Type::STRUCT && depth > 1) {
      add_fields(*field.type(), prefix + field.name() + "_", depth - 1, next, leaves, fields);
      continue;
    }
    leaves.push_back(std::move(next));
    fields.push_back(arrow::field(prefix + field.name(), field.type()));
  }
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "flatten", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& input = *request.inputs.front().schema;
  const auto& own = request.own;
  auto name = own.is_string() ? own.get<std::string>() : std::string();
  std::optional<std::string> prefix;
  std::int64_t depth = 1;
  if (own.is_object()) {
    name = own.value("column", std::string());
    if (own.contains("prefix")) prefix = own["prefix"].get<std::string>();
    depth = own.value("depth", std::int64_t{1});
  }
  std::optional<int> one;
  if (!name.empty()) {
    const std::string path = own.is_object() ? "/flatten/column" : "/flatten";
    one = find_column(request, 0, name, path, faults);
    if (one && input.field(*one)->type()->id() != arrow::Type::STRUCT && !is_unknown(*input.field(*one)->type())) {
      const auto& type = *input.field(*one)->type();
      auto fault = user_error(
          "type_mismatch", "flatten takes a struct, found the column " + name + " of type " + type_name(type),
          type.id() == arrow::Type::LIST ? "unnest: " + name + " makes a row of each element of a list" : "");
      fault.path = path;
      faults.push_back(std::move(fault));
    }
  }
  if (depth < 1) {
    auto fault = user_error("invalid_option", "depth must be 1 or more, found " + std::to_string(depth));
    fault.path = "/flatten/depth";
    faults.push_back(std::move(fault));
  }
  if (faults.size() > before || has_unknown_columns(request)) return make_stand_in(unknown_columns());
  std::vector<leaf> leaves;
  arrow::FieldVector fields;
  for (int column = 0; column < input.num_fields(); ++column) {
    const auto& field = input.field(column);
    if (field->type()->id() == arrow::Type::STRUCT && (name.empty() || one == column)) {
      add_fields(*field->type(), prefix.value_or(field->name() + "_"), depth, {.column = column}, leaves, fields);
      continue;
    }
    leaves.push_back({.column = column});
    fields.push_back(field);
  }
  check_unique(fields, "/flatten", "give the fields a prefix: flatten: { column: customer, prefix: \"customer_\" }",
               faults);
  return std::make_unique<flatten>(request, arrow::schema(std::move(fields)), std::move(leaves));
}

}  // namespace

const component& flatten_transform() {
  static const component self{
      .spec =
          {.name = "flatten",
           .kind = component_kind::transform,
           .summary = "Makes columns of the fields of structs",
           .description =
               "The fields take the place of the struct, as `customer_name`: the column's name, an underscore and the "
               "field's name, or another `prefix`. Structs inside stay structs, unless `depth` is greater. "
               "`flatten: customer` is short for `flatten: { column: customer }`; without a column all structs are "
               "flattened: `flatten: {}`. The fields of a struct that is null are null.",
           .value =
               {.form = shape::one_of,
                .help = "the struct",
                .elements =
                    {{.form = shape::column, .help = "the column of structs"},
                     {.form = shape::object,
                      .help = "the struct, and how its fields are called",
                      .elements = {{.name = "column",
                                    .form = shape::column,
                                    .help = "the column of structs; default: all of them"},
                                   {.name = "prefix",
                                    .form = shape::text,
                                    .help =
                                        "in front of the fields' names; default: the column's name and an underscore"},
                                   {.name = "depth",
                                    .form = shape::integer,
                                    .help = "how many levels of structs to flatten",
                                    .default_value = 1}}}}},
           .law = "in = out",
           .example = R"yaml(version: 1
pipeline: customers-of-orders
extract:
  orders:
    ndjson: { path: examples/data/shop/baskets.ndjson }
    columns: [id, customer]
transform:
  flat:
    from: orders
    flatten: { column: customer, depth: 2 }
load:
  show:
    from: flat
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
