#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <vector>

namespace sluice {

namespace {

struct unnest_options {
  int column = 0;
  std::string as;
  std::string ordinality;  ///< empty: none
  bool outer = false;
};

class unnest final : public single_output {
 public:
  unnest(const transform_request& request, std::shared_ptr<arrow::Schema> made, unnest_options how)
      : single_output(request, std::move(made)), input_(request.inputs.front().schema), how_(std::move(how)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    columns.add(how_.column);
    for (const auto& name : wanted)
      if (name != how_.as && name != how_.ordinality) columns.add_name(name);
    return columns.names();
  }

  // Long lists make many rows of one: they come in pieces.
  status process(int, batch in, emitter& out) override {
    const auto& lists = static_cast<const arrow::ListArray&>(*in.data->column(how_.column));
    for (std::int64_t begin = 0; begin < in.rows();) {
      std::int64_t end = begin, made = 0;
      for (; end < in.rows() && (end == begin || made < target_batch_rows); ++end) made += rows_of(lists, end);
      SLUICE_TRY(give(in.slice(begin, end - begin), made, out));
      begin = end;
    }
    if (in.rows() == 0) out.emit(0, in.with(arrow::RecordBatch::MakeEmpty(schema()).ValueOrDie()));
    return {};
  }

 private:
  [[nodiscard]] std::int64_t rows_of(const arrow::ListArray& lists, std::int64_t row) const {
    const auto length = lists.IsNull(row) ? 0 : lists.value_length(row);
    return length == 0 && how_.outer ? 1 : length;
  }

  status give(const batch& in, std::int64_t made, emitter& out) {
    const auto& lists = static_cast<const arrow::ListArray&>(*in.data->column(how_.column));
    arrow::Int32Builder parents;
    arrow::Int64Builder elements, numbers;
    SLUICE_TRY_ARROW(parents.Reserve(made), "unnest");
    SLUICE_TRY_ARROW(elements.Reserve(made), "unnest");
    SLUICE_TRY_ARROW(numbers.Reserve(made), "unnest");
    std::uint64_t dropped = 0, added = 0;
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      const auto length = lists.IsNull(row) ? 0 : lists.value_length(row);
      if (length == 0) {
        if (!how_.outer) {
          ++dropped;
          continue;
        }
        parents.UnsafeAppend(static_cast<std::int32_t>(row));
        elements.UnsafeAppendNull();
        numbers.UnsafeAppendNull();
        continue;
      }
      added += static_cast<std::uint64_t>(length) - 1;
      for (std::int32_t at = 0; at < length; ++at) {
        parents.UnsafeAppend(static_cast<std::int32_t>(row));
        elements.UnsafeAppend(lists.value_offset(row) + at);
        numbers.UnsafeAppend(at + 1);
      }
    }
    out.count_filtered(dropped);
    out.count_added(added);
    SLUICE_ASSIGN_ARROW(const auto parent_rows, parents.Finish(), "unnest");
    SLUICE_ASSIGN_ARROW(const auto element_rows, elements.Finish(), "unnest");
    SLUICE_ASSIGN_ARROW(auto ordinals, numbers.Finish(), "unnest");
    SLUICE_ASSIGN_ARROW(
        auto values, arrow::compute::Take(*lists.values(), *element_rows, arrow::compute::TakeOptions::NoBoundsCheck()),
        "unnest");
    // The lists themselves are not copied for each of their elements.
    auto others = in.data->columns();
    auto fields = in.data->schema()->fields();
    others.erase(others.begin() + how_.column);
    fields.erase(fields.begin() + how_.column);
    const auto rest = in.with(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), in.rows(), std::move(others)));
    auto repeated = take_rows(rest, *parent_rows);
    auto columns = repeated.data->columns();
    columns.insert(columns.begin() + how_.column, std::move(values));
    if (!how_.ordinality.empty()) columns.insert(columns.begin() + how_.column + 1, std::move(ordinals));
    out.emit(0, repeated.with(arrow::RecordBatch::Make(schema(), made, std::move(columns))));
    return {};
  }

  std::shared_ptr<arrow::Schema> input_;
  unnest_options how_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "unnest", 1, faults)) return nullptr;
  const auto& input = *request.inputs.front().schema;
  const auto& own = request.own;
  const auto name = own.is_object() ? own.value("column", std::string()) : own.get<std::string>();
  const std::string path = own.is_object() ? "/unnest/column" : "/unnest";
  const auto column = find_column(request, 0, name, path, faults);
  unnest_options how;
  if (own.is_object()) {
    how.as = own.value("as", std::string());
    how.ordinality = own.value("ordinality", std::string());
    how.outer = own.value("outer", false);
  }
  if (!column || is_unknown(*input.field(*column)->type())) return make_stand_in(unknown_columns());
  how.column = *column;
  if (how.as.empty()) how.as = input.field(*column)->name();
  const auto& type = *input.field(*column)->type();
  if (type.id() != arrow::Type::LIST) {
    auto fault = user_error(
        "type_mismatch", "unnest takes a list, found the column " + name + " of type " + type_name(type),
        type.id() == arrow::Type::STRUCT ? "flatten: " + name + " makes columns of the fields of a struct"
                                         : "give the column a list type: types: { " + name + ": \"text[]\" }");
    fault.path = path;
    faults.push_back(std::move(fault));
    return make_stand_in(unknown_columns());
  }
  auto fields = input.fields();
  fields[static_cast<std::size_t>(how.column)] =
      arrow::field(how.as, static_cast<const arrow::ListType&>(type).value_type());
  if (!how.ordinality.empty())
    fields.insert(fields.begin() + how.column + 1, arrow::field(how.ordinality, arrow::int64()));
  check_unique(fields, "/unnest", "give the elements another name: as: item", faults);
  return std::make_unique<unnest>(request, arrow::schema(std::move(fields)), std::move(how));
}

}  // namespace

const component& unnest_transform() {
  static const component self{
      .spec = {.name = "unnest",
               .kind = component_kind::transform,
               .summary = "Makes a row of each element of a list",
               .description =
                   "The other columns are repeated for each element; the element takes the place of the list. Rows "
                   "whose list is empty or null are removed and counted as filtered, or with `outer: true` kept with "
                   "null. Elements that are structs stay structs: `item.sku` reads a field, and `flatten` makes "
                   "columns of all of them. `unnest: items` is short for `unnest: { column: items }`.",
               .value = {.form = shape::one_of,
                         .help = "the list",
                         .required = true,
                         .elements = {{.form = shape::column, .help = "the column of lists"},
                                      {.form = shape::object,
                                       .help = "the list, and how its elements are called",
                                       .elements = {{.name = "column", .form = shape::column, .help = "the column of lists", .required = true},
                                                    {.name = "as", .form = shape::text, .help = "name of the column of elements; default: that of the list"},
                                                    {.name = "ordinality", .form = shape::text, .help = "adds the number of the element, from 1, under this name"},
                                                    {.name = "outer", .form = shape::boolean, .help = "keep rows without elements", .default_value = false}}}}},
               .law = "in + added = out + filtered (added: each element of a row beyond its first; filtered: rows without elements)",
               .example = R"yaml(version: 1
pipeline: order-items
extract:
  orders:
    ndjson: { path: examples/data/shop/baskets.ndjson }
transform:
  items:
    from: orders
    unnest: { column: items, as: item, ordinality: line }
load:
  show:
    from: items
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
