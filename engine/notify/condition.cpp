#include "engine/notify/condition.hpp"

#include "engine/notify/event_catalogue.hpp"
#include "engine/notify/event_table.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>

namespace sluice::notify {

namespace {

/// One column from texts: cast as the language's `params:` are read. What does not fit is null.
result<std::shared_ptr<arrow::Array>> column_of(const std::vector<std::optional<std::string>>& texts,
                                                const std::shared_ptr<arrow::DataType>& type) {
  arrow::StringBuilder builder;
  for (const auto& text : texts) SLUICE_TRY_ARROW(text ? builder.Append(*text) : builder.AppendNull(), "read an event");
  SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), "read an event");
  if (type->id() == arrow::Type::STRING) return made;
  const auto cast = arrow::compute::Cast(*made, type);
  if (cast.ok()) return *cast;
  // One value that does not fit must not hide the others.
  arrow::ArrayVector parts;
  for (std::int64_t at = 0; at < made->length(); ++at) {
    auto one = arrow::compute::Cast(*made->Slice(at, 1), type);
    if (!one.ok()) one = arrow::MakeArrayOfNull(type, 1);
    SLUICE_ASSIGN_ARROW(auto part, std::move(one), "read an event");
    parts.push_back(std::move(part));
  }
  SLUICE_ASSIGN_ARROW(auto joined, arrow::Concatenate(parts), "read an event");
  return joined;
}

std::optional<std::string> text_of(const options& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? value.text() : value.dump();
}

/// A value of an event: of its data, else of the cause in it.
std::optional<std::string> data_text(const store::event& what, const std::string& name) {
  if (!what.data.is_object()) return std::nullopt;
  if (const auto found = what.data.find(name); found != what.data.end()) return text_of(*found);
  const auto cause = what.data.find("cause");
  if (cause == what.data.end() || !cause->is_object()) return std::nullopt;
  const auto found = cause->find(name);
  return found == cause->end() ? std::nullopt : text_of(*found);
}

std::shared_ptr<arrow::Schema> base_schema() {
  return arrow::schema({arrow::field("type", arrow::utf8()), arrow::field("severity", arrow::utf8()),
                        arrow::field("pipeline", arrow::utf8()), arrow::field("owner", arrow::utf8()),
                        arrow::field("tags", arrow::list(arrow::utf8())), arrow::field("unit", arrow::utf8()),
                        arrow::field("attempt", arrow::int64()), arrow::field("final", arrow::boolean())});
}

std::shared_ptr<arrow::Schema> data_schema() {
  arrow::FieldVector fields;
  for (const auto& field : event_fields()) {
    const auto type = parse_type(field.type);
    fields.push_back(arrow::field(std::string(field.name), type.ok() ? *type : arrow::utf8()));
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::Schema> params_schema(const param_types& params) {
  arrow::FieldVector fields;
  for (const auto& [name, type] : params) {
    const auto parsed = parse_type(type);
    fields.push_back(arrow::field(name, parsed.ok() ? *parsed : arrow::utf8()));
  }
  return arrow::schema(std::move(fields));
}

result<arrow::ArrayVector> base_columns(const std::vector<store::event>& events) {
  arrow::StringBuilder type, how_bad, pipeline, owner, unit;
  arrow::Int64Builder attempt;
  arrow::BooleanBuilder final;
  const auto tag = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder tags(arrow::default_memory_pool(), tag);
  for (const auto& one : events) {
    SLUICE_TRY_ARROW(type.Append(one.type), "read an event");
    SLUICE_TRY_ARROW(how_bad.Append(to_string(severity_of(one.type))), "read an event");
    SLUICE_TRY_ARROW(pipeline.Append(one.pipeline), "read an event");
    SLUICE_TRY_ARROW(owner.Append(one.owner), "read an event");
    SLUICE_TRY_ARROW(unit.Append(one.unit), "read an event");
    SLUICE_TRY_ARROW(tags.Append(), "read an event");
    for (const auto& each : one.tags) SLUICE_TRY_ARROW(tag->Append(each), "read an event");
    SLUICE_TRY_ARROW(attempt.Append(attempt_of(one)), "read an event");
    SLUICE_TRY_ARROW(final.Append(is_last_attempt(one)), "read an event");
  }
  arrow::ArrayVector made;
  for (auto* builder : std::initializer_list<arrow::ArrayBuilder*>{&type, &how_bad, &pipeline, &owner, &tags, &unit,
                                                                   &attempt, &final}) {
    SLUICE_ASSIGN_ARROW(auto column, builder->Finish(), "read an event");
    made.push_back(std::move(column));
  }
  return made;
}

}  // namespace

std::int64_t attempt_of(const store::event& what) {
  if (!what.data.is_object()) return 1;
  const auto found = what.data.find("attempt");
  return found != what.data.end() && found->is_number_integer() ? found->get<std::int64_t>() : 1;
}

bool is_last_attempt(const store::event& what) {
  if (!what.data.is_object()) return true;
  const auto found = what.data.find("final");
  return found == what.data.end() || !found->is_boolean() || found->get<bool>();
}

const std::vector<condition_column>& condition_columns() {
  static const std::vector<condition_column> all = {
      {"type", "text", "type of the event, see above"},
      {"severity", "text", "info, warning or error"},
      {"pipeline", "text", "name of the pipeline"},
      {"owner", "text", "owner of the pipeline"},
      {"tags", "text[]", "tags of the pipeline: 'finance' = any(tags)"},
      {"unit", "text", "the unit that the event is about, or ''"},
      {"attempt", "bigint", "which try of the run, from 1"},
      {"final", "boolean", "false where the run is tried again"},
      {"params.NAME", "", "a param of the pipeline"},
      {"data.NAME", "", "a value of the event, or null"},
  };
  return all;
}

param_types types_of(const std::map<std::string, std::shared_ptr<arrow::Scalar>>& params) {
  param_types types;
  for (const auto& [name, value] : params)
    if (value) types[name] = type_name(*value->type);
  return types;
}

options texts_of(const std::map<std::string, std::shared_ptr<arrow::Scalar>>& params) {
  options texts = options::object();
  for (const auto& [name, value] : params)
    if (value) texts[name] = value->is_valid ? options(value->ToString()) : options();
  return texts;
}

std::shared_ptr<const condition> condition::bind(const std::string& text, const param_types& params,
                                                 const std::string& path, diagnostics& faults) {
  const auto before = faults.size();
  run_context nothing;
  expression::scope names;
  names.context = &nothing;
  const auto data = data_schema();
  const auto of_params = params_schema(params);
  names.inputs = {{.qualifier = "event", .schema = base_schema()},
                  {.qualifier = "params", .schema = of_params},
                  {.qualifier = "data", .schema = data}};
  auto bound = expression::bind_condition(text, names, path, faults);
  if (bound == nullptr || faults.size() > before) return nullptr;
  const std::shared_ptr<condition> made(new condition());
  made->params_ = params;
  made->bound_ = std::move(bound);
  auto fields = names.inputs[0].schema->fields();
  for (const auto& schema : {of_params, data})
    for (const auto& field : schema->fields()) fields.push_back(field);
  made->schema_ = arrow::schema(std::move(fields));
  return made;
}

bool condition::uses_params() const {
  const auto first = schema_->num_fields() - static_cast<int>(event_fields().size() + params_.size());
  const auto& used = bound_->columns();
  return std::any_of(used.begin(), used.end(),
                     [&](int column) { return column >= first && column < first + static_cast<int>(params_.size()); });
}

result<std::vector<bool>> condition::matches(const std::vector<store::event>& events,
                                             const std::vector<options>& params) const {
  SLUICE_ASSIGN(auto columns, base_columns(events));
  std::vector<std::optional<std::string>> texts(events.size());
  auto at = static_cast<int>(columns.size());
  for (const auto& [name, type] : params_) {
    for (std::size_t row = 0; row < events.size(); ++row) {
      texts[row].reset();
      if (row >= params.size() || !params[row].is_object()) continue;
      if (const auto found = params[row].find(name); found != params[row].end()) texts[row] = text_of(*found);
    }
    SLUICE_ASSIGN(auto column, column_of(texts, schema_->field(at++)->type()));
    columns.push_back(std::move(column));
  }
  for (const auto& field : event_fields()) {
    for (std::size_t row = 0; row < events.size(); ++row) texts[row] = data_text(events[row], std::string(field.name));
    SLUICE_ASSIGN(auto column, column_of(texts, schema_->field(at++)->type()));
    columns.push_back(std::move(column));
  }
  batch rows;
  rows.data = arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(events.size()), std::move(columns));
  SLUICE_ASSIGN(const auto made, bound_->evaluate(rows));
  std::vector<bool> all(events.size(), false);
  const auto& values = static_cast<const arrow::BooleanArray&>(*made.values);
  for (std::size_t row = 0; row < events.size(); ++row) {
    const auto index = static_cast<std::int64_t>(row);
    all[row] = values.IsValid(index) && values.Value(index);
  }
  return all;
}

result<event_row> event_table(const param_types& params, const store::event* what, const options& values) {
  event_row made{
      .event = base_schema(), .params = params_schema(params), .data = data_schema(), .row = {}, .values = {}};
  auto fields = made.event->fields();
  for (const auto& schema : {made.params, made.data})
    for (const auto& field : schema->fields()) fields.push_back(field);
  for (const auto& field : made.params->fields()) made.values[field->name()] = arrow::MakeNullScalar(field->type());
  if (what == nullptr) return made;
  SLUICE_ASSIGN(auto columns, base_columns({*what}));
  for (const auto& field : made.params->fields()) {
    std::optional<std::string> text;
    if (values.is_object())
      if (const auto found = values.find(field->name()); found != values.end()) text = text_of(*found);
    SLUICE_ASSIGN(auto column, column_of({text}, field->type()));
    SLUICE_ASSIGN_ARROW(made.values[field->name()], column->GetScalar(0), "read an event");
    columns.push_back(std::move(column));
  }
  for (const auto& field : made.data->fields()) {
    SLUICE_ASSIGN(auto column, column_of({data_text(*what, field->name())}, field->type()));
    columns.push_back(std::move(column));
  }
  made.row = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), 1, std::move(columns));
  return made;
}

}  // namespace sluice::notify
