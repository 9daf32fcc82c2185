#include "engine/operators/binding.hpp"

#include "engine/values/unknown_columns.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <set>

namespace sluice {

std::string expression_text(const options& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string quoted_name(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

bool require_inputs(const transform_request& request, const std::string& operation, std::size_t wanted,
                    diagnostics& faults) {
  if (request.inputs.size() == wanted) return true;
  auto fault = user_error("wrong_number_of_inputs",
                          operation + " takes " + (wanted == 1 ? "one input" : std::to_string(wanted) + " inputs") +
                              ", and `from` names " + std::to_string(request.inputs.size()),
                          wanted == 1 ? "combine them with a union or join first" : "from: [left, right]");
  fault.path = "/from";
  faults.push_back(std::move(fault));
  return false;
}

expression::scope scope_of(const transform_request& request, std::shared_ptr<arrow::Schema> schema) {
  expression::scope names;
  names.inputs.push_back({.qualifier = request.inputs.front().unit, .schema = std::move(schema)});
  names.context = request.context;
  names.unit = request.unit;
  return names;
}

expression::scope scope_of(const transform_request& request, int input) {
  auto names = scope_of(request, request.inputs[input].schema);
  names.inputs.front().qualifier = request.inputs[input].unit;
  return names;
}

std::optional<int> find_column(const transform_request& request, int input, const std::string& name,
                               const std::string& path, diagnostics& faults) {
  diagnostics own;
  // A name is taken as it stands first, so that a column "a.b" needs no quotes in a list of columns.
  if (const int exact = request.inputs[input].schema->GetFieldIndex(name); exact >= 0) return exact;
  const auto found = expression::resolve_column(name, scope_of(request, input), path, own);
  if (!request.pruned) faults.insert(faults.end(), own.begin(), own.end());
  return own.empty() ? found : std::nullopt;
}

void check_unique(const arrow::FieldVector& fields, const std::string& path, const std::string& hint,
                  diagnostics& faults) {
  std::set<std::string> seen, told;
  for (const auto& field : fields) {
    if (field->name().empty() && is_unknown(*field->type())) continue;
    if (seen.insert(field->name()).second || !told.insert(field->name()).second) continue;
    auto fault = user_error("duplicate_column", "the output would have two columns named " + field->name(), hint);
    fault.path = path;
    faults.push_back(std::move(fault));
  }
}

column_set::column_set(std::shared_ptr<arrow::Schema> schema)
    : schema_(std::move(schema)), chosen_(schema_->num_fields()) {}

void column_set::add(const std::vector<int>& columns) {
  for (const int column : columns) chosen_[column] = true;
}

void column_set::add_name(const std::string& name) {
  if (const int column = schema_->GetFieldIndex(name); column >= 0) chosen_[column] = true;
}

std::vector<std::string> column_set::names() const {
  std::vector<std::string> names;
  for (int column = 0; column < schema_->num_fields(); ++column)
    if (chosen_[column]) names.push_back(schema_->field(column)->name());
  return names;
}

batch single_output::made_from(const batch& in, std::vector<std::shared_ptr<arrow::Array>> columns) const {
  return in.with(arrow::RecordBatch::Make(schema(), in.rows(), std::move(columns)));
}

void append_errors(row_errors& to, row_errors&& from, const std::string& column) {
  for (auto& one : from) {
    if (one.column.empty()) one.column = column;
    to.push_back(std::move(one));
  }
}

}  // namespace sluice
