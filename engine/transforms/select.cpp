#include "engine/component/stand_in.hpp"
#include "engine/expression/windows.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/timed_output.hpp"
#include "engine/operators/window_functions/windowed.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

struct chosen {
  int column = -1;  ///< of the input, passed on as it is
  expression::bound_ptr value = nullptr;
};

class select final : public timed_output {
 public:
  select(const transform_request& request, std::shared_ptr<arrow::Schema> schema, std::vector<chosen> columns)
      : timed_output(request, std::move(schema)), input_(request.inputs.front().schema), columns_(std::move(columns)) {
    if (auto time = request.inputs.front().time) {
      time->column = name_of(input_->GetFieldIndex(time->column), time->column);
      if (!time->column.empty()) set_time(std::move(time));
    }
  }

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(input_);
    for (const auto& name : wanted)
      if (const int place = schema()->GetFieldIndex(name); place >= 0 && columns_[place].column >= 0)
        columns.add(columns_[place].column);
    for (const auto& one : columns_)
      if (one.value) columns.add(one.value->columns());
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    std::vector<std::shared_ptr<arrow::Array>> columns;
    columns.reserve(columns_.size());
    row_errors errors;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].column >= 0) {
        columns.push_back(in.data->column(columns_[i].column));
        continue;
      }
      SLUICE_ASSIGN(auto value, columns_[i].value->evaluate(in));
      append_errors(errors, std::move(value.errors), schema()->field(static_cast<int>(i))->name());
      columns.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    out.emit(0, keep_rows(made_from(in, std::move(columns)), settled));
    return {};
  }

 private:
  /// The name under which a column of the input is passed on, the same one if there are several; empty where it is not.
  [[nodiscard]] std::string name_of(int column, const std::string& same) const {
    std::string found;
    for (std::size_t place = 0; place < columns_.size(); ++place) {
      if (columns_[place].column != column) continue;
      const auto& name = schema()->field(static_cast<int>(place))->name();
      if (found.empty() || name == same) found = name;
    }
    return found;
  }

  std::shared_ptr<arrow::Schema> input_;
  std::vector<chosen> columns_;
};

/// Adds one column; `faults` has what is wrong with its expression.
void bind_entry(const transform_request& request, const std::string& name, const options& text, const std::string& path,
                std::vector<chosen>& columns, arrow::FieldVector& fields, diagnostics& faults) {
  auto value = expression::bind(expression_text(text), scope_of(request), path, faults);
  if (!value) {
    if (!request.pruned) fields.push_back(arrow::field(name, unknown_type()));
    return;
  }
  fields.push_back(arrow::field(name, value->type()));
  // A column under another name, or the same one, is passed on like a bare name.
  if (const auto column = value->as_column()) {
    columns.push_back({.column = *column});
  } else {
    columns.push_back({.column = -1, .value = std::move(value)});
  }
}

bool has_windows(const options& entries) {
  for (const auto& one : entries)
    if (one.is_object())
      for (const auto& [name, text] : one.items())
        if (expression::mentions_window(expression_text(text))) return true;
  return false;
}

std::unique_ptr<transform> make_windowed(const transform_request& request, diagnostics& faults) {
  std::vector<window_functions::entry> entries;
  for (std::size_t i = 0; i < request.own.size(); ++i) {
    const auto& one = request.own[i];
    if (!one.is_object()) {
      const auto name = one.get<std::string>();
      const auto path = pointer({"select", std::to_string(i)});
      const auto column = find_column(request, 0, name, path, faults);
      if (column) entries.push_back({request.inputs[0].schema->field(*column)->name(), quoted_name(name), path});
      continue;
    }
    for (const auto& [name, text] : one.items())
      entries.push_back({name, expression_text(text), pointer({"select", std::to_string(i), name})});
  }
  return window_functions::make(request, entries, window_functions::shape::selected, faults);
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "select", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& schema = *request.inputs.front().schema;
  if (has_windows(request.own)) return make_windowed(request, faults);
  std::vector<chosen> columns;
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < request.own.size(); ++i) {
    const auto& one = request.own[i];
    if (one.is_object()) {
      for (const auto& [name, text] : one.items()) {
        // Where the input is pruned, a renamed column that nobody wants is gone.
        diagnostics own;
        bind_entry(request, name, text, pointer({"select", std::to_string(i), name}), columns, fields, own);
        if (!request.pruned) faults.insert(faults.end(), own.begin(), own.end());
      }
      continue;
    }
    const auto path = pointer({"select", std::to_string(i)});
    if (const auto column = find_column(request, 0, one.get<std::string>(), path, faults)) {
      columns.push_back({.column = *column});
      fields.push_back(schema.field(*column));
    } else if (!request.pruned) {
      fields.push_back(unknown_columns()->field(0));
    }
  }
  check_unique(fields, "/select", "give one of them another name: { other: expression }", faults);
  if (faults.size() > before || (!request.pruned && fields.size() != columns.size()))
    return make_stand_in(arrow::schema(std::move(fields)));
  return std::make_unique<select>(request, arrow::schema(std::move(fields)), std::move(columns));
}

}  // namespace

const component& select_transform() {
  static const component self{
      .spec = {.name = "select",
               .kind = component_kind::transform,
               .summary = "Selects columns, in the given order, and computes new ones",
               .description =
                   "Each entry is a column's name, or `new: expression` over the input's columns. Window functions are "
                   "written and sort the rows as in `derive`.",
               .value = {.form = shape::list,
                         .help = "columns, or `new: expression`",
                         .required = true,
                         .elements = {{.form = shape::one_of,
                                       .help = "a column, or `new: expression`",
                                       .elements = {{.form = shape::column, .help = "a column of the input"},
                                                    {.form = shape::map,
                                                     .help = "new column: expression",
                                                     .elements = {{.form = shape::expression,
                                                                   .help = "expression for its value"}}}}}}},
               .law = "in = out + rejected",
               .example = R"yaml(version: 1
pipeline: airport-codes
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  codes:
    from: airports
    select: [faa, { airport: "upper(name)" }, { zone: tzone }]
load:
  show:
    from: codes
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
