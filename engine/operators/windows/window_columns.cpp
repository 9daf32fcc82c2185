#include "engine/operators/windows/window_columns.hpp"

#include "engine/operators/binding.hpp"
#include "engine/operators/windows/late_rows.hpp"
#include "engine/values/types.hpp"
#include "engine/values/unknown_columns.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice::windows {

namespace {

bool is_own(const std::string& name) { return name == begin_name || name == end_name; }

std::shared_ptr<arrow::Array> times(const std::shared_ptr<arrow::DataType>& type, std::span<const std::int64_t> from) {
  auto values = std::vector<std::int64_t>(from.begin(), from.end());
  const auto count = std::ssize(values);
  return std::make_shared<arrow::TimestampArray>(type, count, arrow::Buffer::FromVector(std::move(values)));
}

void add_fault(diagnostics& faults, const char* code, std::string message, std::string hint, const char* path) {
  auto fault = user_error(code, std::move(message), std::move(hint));
  fault.path = path;
  faults.push_back(std::move(fault));
}

}  // namespace

window_columns::window_columns(const std::shared_ptr<arrow::Schema>& input,
                               const std::shared_ptr<arrow::DataType>& time_type)
    : time_type_(time_type) {
  arrow::FieldVector fields;
  for (int column = 0; column < input->num_fields(); ++column) {
    if (is_own(input->field(column)->name())) continue;
    kept_.push_back(column);
    fields.push_back(input->field(column));
  }
  for (const auto* name : {begin_name, end_name}) fields.push_back(arrow::field(name, time_type, false));
  schema_ = arrow::schema(std::move(fields));
}

std::optional<std::string> window_columns::input_name(int column) const {
  if (column >= std::ssize(kept_)) return std::nullopt;
  return schema_->field(column)->name();
}

batch window_columns::add_to(const batch& in, std::span<const std::int64_t> begins,
                             std::span<const std::int64_t> ends) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const int column : kept_) columns.push_back(in.data->column(column));
  columns.push_back(times(time_type_, begins));
  columns.push_back(times(time_type_, ends));
  return in.with(arrow::RecordBatch::Make(schema_, in.rows(), std::move(columns)));
}

std::unique_ptr<bound_windows> bind_windows(const transform_request& request, std::shared_ptr<arrow::Schema>& schema,
                                            diagnostics& faults) {
  const auto before = faults.size();
  const auto& input = request.inputs.front();
  auto type = unknown_type();
  if (require_time(request, 0, "a window", "/aggregate/window", faults)) {
    if (const auto field = input.schema->GetFieldByName(input.time->column)) type = field->type();
  }
  auto inside = request;
  window_columns columns(input.schema, type);
  inside.inputs.front().schema = columns.schema();
  auto by = request.own.value("by", options::array());
  for (std::size_t i = 0; i < by.size(); ++i)
    if (is_own(by[i].get<std::string>()))
      add_fault(faults, "invalid_option", "a window adds " + by[i].get<std::string>() + " to the keys itself",
                "remove it from by", "/aggregate/by");
  for (const auto* name : {begin_name, end_name}) by.push_back(name);
  inside.own["by"] = std::move(by);
  auto bound = aggregates::bind(inside, faults);
  schema = bound.schema;
  if (!bound.whole || faults.size() > before || is_unknown(*type)) return nullptr;
  std::vector<output_port> outputs;
  outputs.push_back({.name = "", .schema = bound.schema, .time = event_time{.column = end_name, .is_end = true}});
  add_late_port(request, outputs);
  const bool zoned = type->Equals(*timestamptz_type());
  return std::make_unique<bound_windows>(bound_windows{.time = *input.time,
                                                       .columns = std::move(columns),
                                                       .what = std::move(bound.what),
                                                       .outputs = std::move(outputs),
                                                       .zone = zoned ? request.context->timezone : std::string()});
}

std::vector<std::string> columns_read(const bound_windows& what, const std::shared_ptr<arrow::Schema>& input) {
  column_set names(input);
  names.add_name(what.time.column);
  // Late rows have all columns.
  if (what.outputs.size() > 1)
    for (const auto& field : input->fields()) names.add_name(field->name());
  const auto add = [&](int column) {
    if (const auto name = what.columns.input_name(column)) names.add_name(*name);
  };
  for (const int key : what.what.keys) add(key);
  for (const auto& one : what.what.inputs)
    for (const int column : one.value->columns()) add(column);
  return names.names();
}

}  // namespace sluice::windows
