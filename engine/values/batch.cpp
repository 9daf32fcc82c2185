#include "engine/values/batch.hpp"

#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

namespace sluice {

std::int64_t batch::rows() const { return data->num_rows(); }

namespace {

/// Bytes that the rows of a column use. Arrow's own count builds arrays of ranges, too dear for every batch.
std::int64_t bytes_of(const arrow::ArrayData& column) {
  const auto validity = column.buffers.empty() || !column.buffers[0] ? 0 : (column.length + 7) / 8;
  const auto id = column.type->id();
  if (id == arrow::Type::STRING || id == arrow::Type::BINARY) {
    if (column.length == 0) return 0;
    const auto* const offsets = column.GetValues<std::int32_t>(1);
    return validity + (column.length + 1) * 4 + offsets[column.length] - offsets[0];
  }
  if (const int bits = column.type->bit_width(); bits > 0 && column.child_data.empty())
    return validity + (column.length * bits + 7) / 8;
  const auto array = arrow::MakeArray(std::make_shared<arrow::ArrayData>(column));
  return arrow::util::ReferencedBufferSize(*array).ValueOr(arrow::util::TotalBufferSize(*array));
}

}  // namespace

std::int64_t batch::bytes() const {
  std::int64_t all = positions ? positions->length() * static_cast<std::int64_t>(sizeof(position)) : 0;
  for (const auto& column : data->column_data()) all += bytes_of(*column);
  return all;
}

batch batch::slice(std::int64_t offset, std::int64_t length) const {
  auto part = *this;
  part.data = data->Slice(offset, length);
  if (positions) part.positions = as_positions(positions->Slice(offset, length));
  return part;
}

batch batch::with(std::shared_ptr<arrow::RecordBatch> columns) const {
  auto other = *this;
  other.data = std::move(columns);
  return other;
}

batch filter_rows(const batch& in, const arrow::BooleanArray& keep) {
  const auto mask = arrow::Datum(arrow::MakeArray(keep.data()));
  auto out = in.with(arrow::compute::Filter(in.data, mask).ValueOrDie().record_batch());
  if (in.positions) out.positions = as_positions(arrow::compute::Filter(in.positions, mask).ValueOrDie().make_array());
  return out;
}

batch take_rows(const batch& in, const arrow::Array& indices) {
  const auto rows = arrow::Datum(arrow::MakeArray(indices.data()));
  const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
  auto out = in.with(arrow::compute::Take(in.data, rows, options).ValueOrDie().record_batch());
  if (in.positions)
    out.positions = as_positions(arrow::compute::Take(in.positions, rows, options).ValueOrDie().make_array());
  return out;
}

}  // namespace sluice
