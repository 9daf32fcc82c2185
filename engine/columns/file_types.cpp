#include "engine/columns/file_types.hpp"

#include "engine/values/map_type.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"

#include <arrow/array.h>
#include <arrow/extension/json.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

using type_ptr = std::shared_ptr<arrow::DataType>;

type_ptr file_type(const type_ptr& type) {
  if (is_json_type(*type)) return arrow::extension::json(arrow::utf8());
  if (is_map_type(*type)) {
    const auto& entries = *type->field(0)->type();
    return arrow::map(file_type(entries.field(0)->type()), file_type(entries.field(1)->type()));
  }
  if (type->id() == arrow::Type::LIST) {
    auto value = file_type(type->field(0)->type());
    return value == type->field(0)->type() ? type : arrow::list(type->field(0)->WithType(std::move(value)));
  }
  if (type->id() != arrow::Type::STRUCT) return type;
  auto fields = type->fields();
  bool changed = false;
  for (auto& field : fields) {
    auto made = file_type(field->type());
    changed = changed || made != field->type();
    field = field->WithType(std::move(made));
  }
  return changed ? arrow::struct_(std::move(fields)) : type;
}

/// Both types have the same memory: only what they are called changes.
std::shared_ptr<arrow::ArrayData> renamed(const arrow::ArrayData& values, const type_ptr& type) {
  auto made = values.Copy();
  made->type = type;
  for (std::size_t i = 0; i < made->child_data.size(); ++i)
    made->child_data[i] = renamed(*made->child_data[i], type->field(static_cast<int>(i))->type());
  return made;
}

bool has_null_key(const arrow::Array& values) {
  if (values.type_id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapArray&>(values);
    if (map.keys()->null_count() > 0) return true;
    return has_null_key(*map.items());
  }
  if (values.type_id() == arrow::Type::LIST)
    return has_null_key(*static_cast<const arrow::ListArray&>(values).values());
  if (values.type_id() != arrow::Type::STRUCT) return false;
  for (const auto& field : static_cast<const arrow::StructArray&>(values).fields())
    if (has_null_key(*field)) return true;
  return false;
}

}  // namespace

std::shared_ptr<arrow::Schema> file_schema(const std::shared_ptr<arrow::Schema>& schema) {
  auto fields = schema->fields();
  bool changed = false;
  for (auto& field : fields) {
    auto made = file_type(field->type());
    changed = changed || made != field->type();
    field = field->WithType(std::move(made));
  }
  return changed ? arrow::schema(std::move(fields), schema->metadata()) : schema;
}

result<std::shared_ptr<arrow::RecordBatch>> file_rows(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                      const std::shared_ptr<arrow::Schema>& schema) {
  if (schema == rows->schema()) return rows;
  arrow::ArrayVector columns;
  for (int i = 0; i < rows->num_columns(); ++i) {
    const auto& type = schema->field(i)->type();
    const auto& column = rows->column(i);
    if (type == rows->schema()->field(i)->type()) {
      columns.push_back(column);
      continue;
    }
    columns.push_back(arrow::MakeArray(renamed(*column->data(), type)));
    if (has_null_key(*columns.back()))
      return user_error(
          "value_out_of_range",
          "column " + schema->field(i)->name() + " has a map with a key that is null, which a file can't hold",
          "leave such entries out, or write the map as json: to_json(" + schema->field(i)->name() + ")");
  }
  return arrow::RecordBatch::Make(schema, rows->num_rows(), std::move(columns));
}

}  // namespace sluice
