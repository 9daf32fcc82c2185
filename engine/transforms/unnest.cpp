#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

struct unnest_options {
  int column = 0;
  std::vector<std::string> as;  ///< the column of elements; of a map those of keys and values
  std::string ordinality;       ///< empty: none
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
      if (std::find(how_.as.begin(), how_.as.end(), name) == how_.as.end() && name != how_.ordinality)
        columns.add_name(name);
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
    // Mostly the elements of one row are followed by those of the next: then they need not be copied.
    bool in_a_row = made > 0;
    std::int64_t first = -1, next = -1;
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      const auto length = lists.IsNull(row) ? 0 : lists.value_length(row);
      if (length == 0) {
        if (!how_.outer) {
          ++dropped;
          continue;
        }
        in_a_row = false;
        parents.UnsafeAppend(static_cast<std::int32_t>(row));
        elements.UnsafeAppendNull();
        numbers.UnsafeAppendNull();
        continue;
      }
      added += static_cast<std::uint64_t>(length) - 1;
      const std::int64_t begin = lists.value_offset(row);
      if (first < 0) first = begin;
      in_a_row = in_a_row && (next < 0 || next == begin);
      next = begin + length;
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
    std::shared_ptr<arrow::Array> values;
    if (in_a_row) {
      values = lists.values()->Slice(first, made);
    } else {
      SLUICE_ASSIGN_ARROW(
          values, arrow::compute::Take(*lists.values(), *element_rows, arrow::compute::TakeOptions::NoBoundsCheck()),
          "unnest");
    }
    // The lists themselves are not copied for each of their elements.
    auto others = in.data->columns();
    auto fields = in.data->schema()->fields();
    others.erase(others.begin() + how_.column);
    fields.erase(fields.begin() + how_.column);
    const auto rest = in.with(arrow::RecordBatch::Make(arrow::schema(std::move(fields)), in.rows(), std::move(others)));
    auto repeated = take_rows(rest, *parent_rows);
    auto columns = repeated.data->columns();
    auto place = columns.begin() + how_.column;
    if (how_.as.size() == 1) {
      place = columns.insert(place, std::move(values));
    } else {
      SLUICE_ASSIGN_ARROW(auto parts, static_cast<const arrow::StructArray&>(*values).Flatten(), "unnest");
      place = columns.insert(place, parts.begin(), parts.end()) + 1;
    }
    if (!how_.ordinality.empty()) columns.insert(place + 1, std::move(ordinals));
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
  std::string as;
  if (own.is_object()) {
    as = own.value("as", std::string());
    how.ordinality = own.value("ordinality", std::string());
    how.outer = own.value("outer", false);
  }
  if (!column || is_unknown(*input.field(*column)->type())) return make_stand_in(unknown_columns());
  how.column = *column;
  const auto& type = *input.field(*column)->type();
  const bool map = is_map_type(type);
  if (map)
    how.as = {as.empty() ? "key" : as + "_key", as.empty() ? "value" : as + "_value"};
  else
    how.as = {as.empty() ? input.field(*column)->name() : as};
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
  auto place = fields.begin() + how.column;
  *place = arrow::field(how.as[0], map ? map_key_type(type) : static_cast<const arrow::ListType&>(type).value_type());
  if (map) place = fields.insert(place + 1, arrow::field(how.as[1], map_value_type(type)));
  if (!how.ordinality.empty()) fields.insert(place + 1, arrow::field(how.ordinality, arrow::int64()));
  check_unique(fields, "/unnest", "give the elements another name: as: item", faults);
  return std::make_unique<unnest>(request, arrow::schema(std::move(fields)), std::move(how));
}

}  // namespace

const component& unnest_transform() {
  static const component self{
      .spec = {.name = "unnest",
               .kind = component_kind::transform,
               .summary = "Makes a row of each element of a list, or of each entry of a map",
               .description =
                   "The other columns are repeated for each element; the element takes the place of the list. Rows "
                   "whose list is empty or null are removed and counted as filtered, or with `outer: true` kept with "
                   "null. Elements that are structs stay structs: `item.sku` reads a field, and `flatten` makes "
                   "columns of all of them. A map gives two columns, `key` and `value`, or with `as: item` `item_key` and "
                   "`item_value`. `unnest: items` is short for `unnest: { column: items }`.",
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
