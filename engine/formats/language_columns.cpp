#include "engine/formats/language_columns.hpp"

#include "engine/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>

namespace sluice {

std::shared_ptr<arrow::Schema> language_schema(const arrow::Schema& file, const source_request& request,
                                               const std::string& name, diagnostics& faults) {
  arrow::FieldVector fields;
  for (const auto& field : file.fields()) {
    auto type = language_type(field->type());
    const auto& named = request.columns;
    const bool wanted = named.empty() || std::find(named.begin(), named.end(), field->name()) != named.end();
    if (type) {
      fields.push_back(arrow::field(field->name(), std::move(type)));
    } else if (wanted) {
      faults.push_back(user_error("unsupported_type",
                                  "column " + field->name() + " of " + name + " has the type " +
                                      field->type()->ToString() + ", which has no place in a pipeline",
                                  "leave it out: columns: [...]"));
    }
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::Schema> records_of(const source_request& request) {
  arrow::FieldVector fields;
  for (const auto& field : request.resolved->fields()) {
    if (!request.metadata.is_object() || !request.metadata.contains(field->name())) fields.push_back(field);
  }
  return arrow::schema(std::move(fields));
}

status same_columns(const arrow::Schema& wanted, const arrow::Schema& file, const std::string& name) {
  for (const auto& field : wanted.fields()) {
    const auto found = file.GetFieldByName(field->name());
    if (!found)
      return user_error("missing_column",
                        "the file " + name + " has no column " + field->name() + ", which others of the source have",
                        "read it by another extract unit, or leave the column out: columns: [...]");
    const auto type = language_type(found->type());
    if (!type || !type->Equals(*field->type()))
      return user_error("type_mismatch",
                        "column " + field->name() + " is " + type_name(*field->type()) + " in the first file and " +
                            (type ? type_name(*type) : found->type()->ToString()) + " in " + name,
                        "read it by another extract unit and cast there");
  }
  return {};
}

result<std::shared_ptr<arrow::Array>> to_language(const std::shared_ptr<arrow::Array>& values,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  const std::string& column, const std::string& file) {
  if (values->type()->Equals(*type)) return values;
  auto cast = arrow::compute::Cast(*values, type, arrow::compute::CastOptions::Safe(type));
  if (cast.ok()) return std::move(cast).ValueUnsafe();
  return user_error("value_out_of_range",
                    "column " + column + " of " + file + " holds values of type " + values->type()->ToString() +
                        " that " + type_name(*type) + " can't hold: " + cast.status().message(),
                    "leave the column out: columns: [...]");
}

error corrupt_file(const std::string& name, const std::string& format, const arrow::Status& why) {
  if (why.IsOutOfMemory() || why.IsCancelled()) return from_arrow(why, "read " + name);
  auto text = why.message();
  // Arrow's messages may go on over several lines.
  text = text.substr(0, text.find('\n'));
  return user_error("corrupt_file", "the file " + name + " is no complete " + format + ": " + text,
                    "check that it is one, and that its writer has finished");
}

}  // namespace sluice
