#include "engine/operators/protection/changed_columns.hpp"

#include "engine/operators/keys/key_encoding.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice::protection {

namespace {

arrow::FieldVector fields_of(const transform_request& request, const std::vector<changed_column>& columns) {
  auto fields = request.inputs.front().schema->fields();
  for (const auto& each : columns) {
    auto& field = fields[static_cast<std::size_t>(each.column)];
    field = arrow::field(field->name(), each.how->type(*field->type()));
  }
  return fields;
}

class changed_columns final : public single_output {
 public:
  changed_columns(const transform_request& request, std::vector<changed_column> columns)
      : single_output(request, arrow::schema(fields_of(request, columns))), columns_(std::move(columns)) {}

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    for (const auto& each : columns_) columns.add(each.column);
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    auto columns = in.data->columns();
    row_errors errors;
    for (const auto& each : columns_) {
      auto& column = columns[static_cast<std::size_t>(each.column)];
      SLUICE_ASSIGN(const auto plain, flow::decoded_key(column));
      row_errors found;
      SLUICE_ASSIGN(column, each.how->change(*plain, found));
      append_errors(errors, std::move(found), schema()->field(each.column)->name());
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    auto made = keep_rows(made_from(in, std::move(columns)), settled);
    if (made.rows() > 0 || in.rows() == 0) out.emit(0, std::move(made));
    return {};
  }

 private:
  std::vector<changed_column> columns_;
};

}  // namespace

std::unique_ptr<transform> change_columns(const transform_request& request, std::vector<changed_column> columns) {
  return std::make_unique<changed_columns>(request, std::move(columns));
}

result<std::shared_ptr<arrow::Array>> map_texts(
    const arrow::Array& column, row_errors& errors,
    const std::function<result<bool>(std::string_view value, std::string& out)>& make, const char* code,
    const char* message) {
  arrow::StringBuilder made;
  SLUICE_TRY_ARROW(made.Reserve(column.length()), "change a column");
  const bool bytes = arrow::is_base_binary_like(column.type_id());
  std::string text, out;
  for (std::int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row)) {
      SLUICE_TRY_ARROW(made.AppendNull(), "change a column");
      continue;
    }
    std::string_view value;
    if (bytes) {
      value = static_cast<const arrow::BinaryArray&>(column).GetView(row);
    } else {
      text.clear();
      append_value(text, column, row);
      value = text;
    }
    out.clear();
    SLUICE_ASSIGN(const bool good, make(value, out));
    if (!good) {
      errors.push_back({.row = row, .code = code, .column = {}, .message = message});
      SLUICE_TRY_ARROW(made.AppendNull(), "change a column");
      continue;
    }
    SLUICE_TRY_ARROW(made.Append(out), "change a column");
  }
  std::shared_ptr<arrow::Array> whole;
  SLUICE_TRY_ARROW(made.Finish(&whole), "change a column");
  return whole;
}

}  // namespace sluice::protection
