#include "engine/operators/windows/late_rows.hpp"

#include "engine/operators/row_policy.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice::windows {

bool require_time(const transform_request& request, std::size_t input, const std::string& what, const char* path,
                  diagnostics& faults) {
  if (request.inputs[input].time) return true;
  auto fault = user_error(
      "no_event_time", what + " needs rows with an event time; those of " + request.inputs[input].unit + " have none",
      "add to their source: time: { column: ordered_at, out_of_order: 30s }; the column must come as far as this unit, "
      "and "
      "units that wait for all rows (sort, aggregate, deduplicate with order) end it");
  fault.path = path;
  faults.push_back(std::move(fault));
  return false;
}

void add_late_port(const transform_request& request, std::vector<output_port>& outputs) {
  const auto& read = request.read_ports;
  if (std::find(read.begin(), read.end(), late_port) != read.end())
    outputs.push_back({.name = late_port, .schema = request.inputs.front().schema});
}

result<batch> with_times(batch in, const event_time& time, on_error policy, emitter& out) {
  const auto column = in.data->GetColumnByName(time.column);
  if (!column || column->null_count() == 0) return in;
  row_errors errors;
  for (std::int64_t row = 0; row < column->length(); ++row)
    if (column->IsNull(row))
      errors.push_back(
          {row, "null_time", time.column, "the event time is null, so it is not known where the row belongs"});
  const auto how = policy == on_error::fail ? on_error::fail : on_error::reject;
  SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), how, out));
  return keep_rows(in, settled);
}

void give_late(const batch& in, const std::vector<std::int32_t>& rows, const event_time& time, std::optional<int> port,
               std::int64_t watermark, const std::string& why, emitter& out) {
  if (rows.empty()) return;
  if (port) {
    out.emit(*port, take_rows(in, arrow::Int32Array(std::ssize(rows), arrow::Buffer::Wrap(rows))));
    return;
  }
  const auto column = in.data->GetColumnByName(time.column);
  std::string mark = "the end of the input";
  if (watermark != end_of_time)
    mark = "the watermark " +
           value_text(arrow::TimestampArray(column->type(), 1, arrow::Buffer::FromVector(std::vector{watermark})), 0);
  row_errors late;
  for (const auto row : rows)
    late.push_back({row, "late_row", time.column,
                    value_text(*column, row) + " is older than " + mark + ": " + why +
                        "; to wait longer, raise out_of_order in the source"});
  out.reject(in, late);
}

}  // namespace sluice::windows
