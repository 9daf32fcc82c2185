#include "engine/operators/windows/event_times.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::windows {

bool is_event_time(const arrow::DataType& type) { return type.id() == arrow::Type::TIMESTAMP; }

std::optional<event_time> time_behind(const transform& unit, const std::vector<input_port>& inputs,
                                      const output_port& port) {
  if (port.time || !unit.keeps_order() || inputs.empty() || !inputs.front().time) return port.time;
  const auto field = port.schema->GetFieldByName(inputs.front().time->column);
  if (!field || !is_event_time(*field->type())) return {};
  return inputs.front().time;
}

event_times::event_times(std::shared_ptr<arrow::Array> column, bool is_end)
    : column_(std::move(column)),
      values_(static_cast<const arrow::TimestampArray&>(*column_).raw_values()),
      is_end_(is_end) {}

result<event_times> event_times::of(const arrow::RecordBatch& rows, const event_time& time) {
  auto column = rows.GetColumnByName(time.column);
  if (!column) return internal_error("missing_column", "the rows have no column " + time.column);
  if (!is_event_time(*column->type()))
    return internal_error("type_mismatch",
                          "column " + time.column + " is " + column->type()->ToString() + ", not a timestamp");
  return event_times(std::move(column), time.is_end);
}

bool event_times::has(std::int64_t row) const { return column_->IsValid(row); }

bool event_times::any_missing() const { return column_->null_count() > 0; }

std::optional<std::int64_t> event_times::latest() const {
  std::optional<std::int64_t> found;
  if (!any_missing()) {
    if (column_->length() > 0) found = *std::max_element(values_, values_ + column_->length());
  } else {
    for (std::int64_t row = 0; row < column_->length(); ++row)
      if (has(row)) found = std::max(found.value_or(values_[row]), values_[row]);
  }
  if (found && is_end_) --*found;
  return found;
}

}  // namespace sluice::windows
