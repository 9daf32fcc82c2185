#include "engine/operators/gather.hpp"

#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstring>
#include <limits>

namespace sluice {

namespace {

using arrow::Type;
using array_ptr = std::shared_ptr<arrow::Array>;
using buffer_ptr = std::shared_ptr<arrow::Buffer>;
using places = std::span<const row_place>;

bool bit_at(const std::uint8_t* bits, std::int64_t index) { return (bits[index / 8] >> (index % 8)) & 1; }

// The validity of gathered rows; null where all are valid.
result<buffer_ptr> gather_validity(const arrow::ArrayVector& from, places rows, std::int64_t& nulls) {
  nulls = 0;
  struct source {
    const std::uint8_t* bits;  // null: all valid
    std::int64_t offset;
  };
  std::vector<source> sources;
  bool any = false;
  for (const auto& column : from) {
    const bool some = column->null_count() > 0;
    sources.push_back({some ? column->null_bitmap_data() : nullptr, column->offset()});
    any = any || some;
  }
  if (!any) return buffer_ptr();
  SLUICE_ASSIGN_ARROW(auto bitmap, arrow::AllocateEmptyBitmap(static_cast<std::int64_t>(rows.size())), "gather rows");
  auto* bits = bitmap->mutable_data();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& its = sources[rows[i].batch];
    const bool valid = its.bits == nullptr || bit_at(its.bits, its.offset + rows[i].row);
    bits[i / 8] |= static_cast<std::uint8_t>(valid << (i % 8));
    nulls += !valid;
  }
  return buffer_ptr(std::move(bitmap));
}

struct sixteen_bytes {
  std::uint64_t words[2];
};

template <class Value>
void copy_fixed(const std::vector<const std::uint8_t*>& from, places rows, std::uint8_t* out) {
  auto* values = reinterpret_cast<Value*>(out);
  for (const auto& place : rows) {
    std::memcpy(values++, from[place.batch] + static_cast<std::ptrdiff_t>(place.row) * std::ptrdiff_t{sizeof(Value)},
                sizeof(Value));
  }
}

result<array_ptr> gather_fixed(const arrow::ArrayVector& from, int width, places rows) {
  std::vector<const std::uint8_t*> values;
  for (const auto& column : from)
    values.push_back(column->data()->buffers[1]->data() + column->offset() * std::int64_t{width});
  SLUICE_ASSIGN_ARROW(buffer_ptr out, arrow::AllocateBuffer(static_cast<std::int64_t>(rows.size()) * width),
                      "gather rows");
  auto* bytes = out->mutable_data();
  switch (width) {
    case 1:
      copy_fixed<std::uint8_t>(values, rows, bytes);
      break;
    case 2:
      copy_fixed<std::uint16_t>(values, rows, bytes);
      break;
    case 4:
      copy_fixed<std::uint32_t>(values, rows, bytes);
      break;
    case 8:
      copy_fixed<std::uint64_t>(values, rows, bytes);
      break;
    case 16:
      copy_fixed<sixteen_bytes>(values, rows, bytes);
      break;
    default:
      for (const auto& place : rows) {
        std::memcpy(bytes, values[place.batch] + std::ptrdiff_t{place.row} * width, static_cast<std::size_t>(width));
        bytes += width;
      }
  }
  std::int64_t nulls = 0;
  SLUICE_ASSIGN(auto valid, gather_validity(from, rows, nulls));
  return arrow::MakeArray(arrow::ArrayData::Make(from.front()->type(), static_cast<std::int64_t>(rows.size()),
                                                 {std::move(valid), std::move(out)}, nulls));
}

result<array_ptr> gather_text(const arrow::ArrayVector& from, places rows, std::int64_t most) {
  struct source {
    const std::int32_t* offsets;
    const std::uint8_t* bytes;
  };
  std::vector<source> sources;
  for (const auto& column : from) {
    const auto& text = static_cast<const arrow::BinaryArray&>(*column);
    sources.push_back({text.raw_value_offsets(), text.raw_data()});
  }
  SLUICE_ASSIGN_ARROW(buffer_ptr offsets, arrow::AllocateBuffer((static_cast<std::int64_t>(rows.size()) + 1) * 4),
                      "gather rows");
  auto* ends = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  std::int64_t total = 0;
  *ends++ = 0;
  for (const auto& place : rows) {
    const auto* its = sources[place.batch].offsets + place.row;
    total += its[1] - its[0];
    *ends++ = static_cast<std::int32_t>(total);
  }
  if (total > std::numeric_limits<std::int32_t>::max() || (total > most && rows.size() > 1))
    return user_error("value_too_large", "a batch contains more than 2 GiB of one text column",
                      "drop the column in a unit before this one");
  SLUICE_ASSIGN_ARROW(buffer_ptr data, arrow::AllocateBuffer(total), "gather rows");
  auto* out = data->mutable_data();
  for (const auto& place : rows) {
    const auto& its = sources[place.batch];
    const auto begin = its.offsets[place.row];
    const auto length = static_cast<std::size_t>(its.offsets[place.row + 1] - begin);
    if (length > 0) std::memcpy(out, its.bytes + begin, length);
    out += length;
  }
  std::int64_t nulls = 0;
  SLUICE_ASSIGN(auto valid, gather_validity(from, rows, nulls));
  return arrow::MakeArray(arrow::ArrayData::Make(from.front()->type(), static_cast<std::int64_t>(rows.size()),
                                                 {std::move(valid), std::move(offsets), std::move(data)}, nulls));
}

result<array_ptr> gather_booleans(const arrow::ArrayVector& from, places rows) {
  SLUICE_ASSIGN_ARROW(buffer_ptr out, arrow::AllocateEmptyBitmap(static_cast<std::int64_t>(rows.size())),
                      "gather rows");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& column = *from[rows[i].batch];
    const bool value = bit_at(column.data()->buffers[1]->data(), column.offset() + rows[i].row);
    out->mutable_data()[i / 8] |= static_cast<std::uint8_t>(value << (i % 8));
  }
  std::int64_t nulls = 0;
  SLUICE_ASSIGN(auto valid, gather_validity(from, rows, nulls));
  return arrow::MakeArray(arrow::ArrayData::Make(from.front()->type(), static_cast<std::int64_t>(rows.size()),
                                                 {std::move(valid), std::move(out)}, nulls));
}

// Lists, structs and the like: rows are taken batch by batch, put together and brought into order.
result<array_ptr> gather_any(const arrow::ArrayVector& from, places rows) {
  std::vector<std::vector<std::int32_t>> taken(from.size());
  for (const auto& place : rows) taken[place.batch].push_back(place.row);
  arrow::ArrayVector parts;
  std::vector<std::int32_t> next(from.size());
  std::int32_t base = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (taken[i].empty()) continue;
    next[i] = base;
    base += static_cast<std::int32_t>(taken[i].size());
    const arrow::Int32Array indices(static_cast<std::int64_t>(taken[i].size()), arrow::Buffer::Wrap(taken[i]));
    SLUICE_ASSIGN_ARROW(auto part, arrow::compute::Take(*from[i], indices), "gather rows");
    parts.push_back(std::move(part));
  }
  SLUICE_ASSIGN_ARROW(const auto whole, arrow::Concatenate(parts), "gather rows");
  std::vector<std::int32_t> order;
  for (const auto& place : rows) order.push_back(next[place.batch]++);
  const arrow::Int32Array indices(static_cast<std::int64_t>(order.size()), arrow::Buffer::Wrap(order));
  SLUICE_ASSIGN_ARROW(auto ordered, arrow::compute::Take(*whole, indices), "gather rows");
  return ordered;
}

}  // namespace

result<array_ptr> gather_column(const arrow::ArrayVector& from, places rows, std::int64_t most_text) {
  const auto& type = *from.front()->type();
  if (type.id() == Type::BOOL) return gather_booleans(from, rows);
  if (type.id() == Type::STRING || type.id() == Type::BINARY) return gather_text(from, rows, most_text);
  if (arrow::is_primitive(type.id()) || arrow::is_decimal(type.id()) || type.id() == Type::FIXED_SIZE_BINARY ||
      type.id() == Type::INTERVAL_MONTH_DAY_NANO)
    return gather_fixed(from, type.byte_width(), rows);
  return gather_any(from, rows);
}

result<batch> gather_rows(const std::vector<const batch*>& from, std::span<const row_place> rows) {
  const auto& schema = from.front()->data->schema();
  arrow::ArrayVector columns;
  for (int column = 0; column < schema->num_fields(); ++column) {
    arrow::ArrayVector sources;
    sources.reserve(from.size());
    for (const auto* one : from) sources.push_back(one->data->column(column));
    SLUICE_ASSIGN(auto gathered, gather_column(sources, rows, std::numeric_limits<std::int32_t>::max()));
    columns.push_back(std::move(gathered));
  }
  batch made;
  made.data = arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(rows.size()), std::move(columns));
  arrow::ArrayVector positions;
  for (const auto* one : from)
    if (one->positions) positions.push_back(one->positions);
  if (positions.size() == from.size()) {
    SLUICE_ASSIGN(const auto gathered, gather_fixed(positions, sizeof(position), rows));
    made.positions = as_positions(gathered);
  }
  return made;
}

}  // namespace sluice
