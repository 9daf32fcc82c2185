#include "engine/notify/condition.hpp"

#include "engine/notify/event_table.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>

#include <algorithm>
#include <utility>

namespace sluice::notify {

namespace {

std::shared_ptr<arrow::Schema> params_schema(const param_types& params) {
  arrow::FieldVector fields;
  for (const auto& [name, type] : params) {
    const auto parsed = parse_type(type);
    fields.push_back(arrow::field(name, parsed.ok() ? *parsed : arrow::utf8()));
  }
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::Schema> whole_schema(const std::shared_ptr<arrow::Schema>& params) {
  auto fields = event_columns::base()->fields();
  for (const auto& schema : {params, event_columns::data()})
    for (const auto& field : schema->fields()) fields.push_back(field);
  return arrow::schema(std::move(fields));
}

std::optional<std::string> param_text(const options& of_run, const std::string& name) {
  if (!of_run.is_object()) return std::nullopt;
  const auto found = of_run.find(name);
  return found == of_run.end() ? std::nullopt : text_of(*found);
}

}  // namespace

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
  const auto of_params = params_schema(params);
  names.inputs = {{.qualifier = "event", .schema = event_columns::base()},
                  {.qualifier = "params", .schema = of_params},
                  {.qualifier = "data", .schema = event_columns::data()}};
  auto bound = expression::bind_condition(text, names, path, faults);
  if (bound == nullptr || faults.size() > before) return nullptr;
  const std::shared_ptr<condition> made(new condition());
  made->params_ = params;
  made->bound_ = std::move(bound);
  made->schema_ = whole_schema(of_params);
  const int first = event_columns::base()->num_fields();
  const auto own = static_cast<int>(params.size());
  for (auto& pin : expression::pinned_columns(text, names)) {
    if (pin.column >= first && pin.column < first + own) continue;
    if (pin.column >= first) pin.column -= own;
    made->pin_ = std::move(pin);
    break;
  }
  return made;
}

bool condition::uses_params() const {
  const auto first = event_columns::base()->num_fields();
  const auto& used = bound_->columns();
  return std::any_of(used.begin(), used.end(),
                     [&](int column) { return column >= first && column < first + static_cast<int>(params_.size()); });
}

result<std::optional<std::vector<std::size_t>>> condition::candidates(event_columns& events) const {
  if (!pin_) return std::optional<std::vector<std::size_t>>();
  std::vector<std::size_t> all;
  for (const auto& value : pin_->values) {
    SLUICE_ASSIGN(const auto* const rows, events.rows_with(pin_->column, value));
    all.insert(all.end(), rows->begin(), rows->end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return std::optional(std::move(all));
}

result<std::vector<bool>> condition::matches(event_columns& events, const std::vector<options>& params) const {
  const int first = event_columns::base()->num_fields();
  const auto own = static_cast<int>(params_.size());
  const auto& used = bound_->columns();
  arrow::ArrayVector columns;
  for (int at = 0; at < schema_->num_fields(); ++at) {
    const bool read = std::binary_search(used.begin(), used.end(), at);
    const auto& field = schema_->field(at);
    if (at >= first && at < first + own) {
      std::vector<std::optional<std::string>> texts(static_cast<std::size_t>(events.rows()));
      for (std::size_t row = 0; read && row < std::min(texts.size(), params.size()); ++row)
        texts[row] = param_text(params[row], field->name());
      SLUICE_ASSIGN(auto column, column_of(texts, field->type()));
      columns.push_back(std::move(column));
      continue;
    }
    const int number = at < first ? at : at - own;
    SLUICE_ASSIGN(auto column, read ? events.column(number) : events.nothing(number));
    columns.push_back(std::move(column));
  }
  batch rows;
  rows.data = arrow::RecordBatch::Make(schema_, events.rows(), std::move(columns));
  SLUICE_ASSIGN(const auto made, bound_->evaluate(rows));
  std::vector<bool> all(static_cast<std::size_t>(events.rows()), false);
  const auto& values = static_cast<const arrow::BooleanArray&>(*made.values);
  for (std::int64_t row = 0; row < events.rows(); ++row)
    all[static_cast<std::size_t>(row)] = values.IsValid(row) && values.Value(row);
  return all;
}

result<std::vector<bool>> condition::matches(const std::vector<store::event>& events,
                                             const std::vector<options>& params) const {
  event_columns columns(events);
  return matches(columns, params);
}

result<event_row> event_table(const param_types& params, const store::event* what, const options& values) {
  event_row made{.event = event_columns::base(),
                 .params = params_schema(params),
                 .data = event_columns::data(),
                 .row = {},
                 .values = {}};
  for (const auto& field : made.params->fields()) made.values[field->name()] = arrow::MakeNullScalar(field->type());
  if (what == nullptr) return made;
  const std::vector<store::event> one = {*what};
  event_columns columns(one);
  arrow::ArrayVector all;
  const int first = made.event->num_fields();
  for (int at = 0; at < first; ++at) {
    SLUICE_ASSIGN(auto column, columns.column(at));
    all.push_back(std::move(column));
  }
  for (const auto& field : made.params->fields()) {
    SLUICE_ASSIGN(auto column, column_of({param_text(values, field->name())}, field->type()));
    SLUICE_ASSIGN_ARROW(made.values[field->name()], column->GetScalar(0), "read an event");
    all.push_back(std::move(column));
  }
  for (int at = 0; at < made.data->num_fields(); ++at) {
    SLUICE_ASSIGN(auto column, columns.column(first + at));
    all.push_back(std::move(column));
  }
  made.row = arrow::RecordBatch::Make(whole_schema(made.params), 1, std::move(all));
  return made;
}

}  // namespace sluice::notify
