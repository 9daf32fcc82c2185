#include "engine/operators/joins/spilled_rows.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <cstring>

namespace sluice::joins {

namespace {

std::shared_ptr<arrow::Buffer> wrap(const void* data, std::size_t bytes) {
  return std::make_shared<arrow::Buffer>(static_cast<const std::uint8_t*>(data), static_cast<std::int64_t>(bytes));
}

result<std::shared_ptr<arrow::Buffer>> validity_of(const key_rows& keys, std::int64_t& nulls) {
  nulls = 0;
  if (keys.nulls.empty()) return std::shared_ptr<arrow::Buffer>();
  SLUICE_ASSIGN_ARROW(auto bits, arrow::AllocateEmptyBitmap(keys.rows), "spill keys");
  for (std::int64_t row = 0; row < keys.rows; ++row) {
    const bool valid = !keys.is_null(row);
    nulls += !valid;
    bits->mutable_data()[row / 8] |= static_cast<std::uint8_t>(valid << (row % 8));
  }
  return std::shared_ptr<arrow::Buffer>(std::move(bits));
}

// The keys as a column over their own memory; null where there are none.
result<std::shared_ptr<arrow::Array>> key_column(const key_layout& layout, const key_rows& keys) {
  if (layout.keyless()) return std::shared_ptr<arrow::Array>();
  std::int64_t nulls = 0;
  SLUICE_ASSIGN(auto valid, validity_of(keys, nulls));
  if (layout.words() > 0)
    return arrow::MakeArray(arrow::ArrayData::Make(arrow::fixed_size_binary(layout.words() * 8), keys.rows,
                                                   {valid, wrap(keys.words.data(), keys.words.size() * 8)}, nulls));
  return arrow::MakeArray(arrow::ArrayData::Make(
      arrow::large_binary(), keys.rows,
      {valid, wrap(keys.starts.data(), keys.starts.size() * 8), wrap(keys.bytes.data(), keys.bytes.size())}, nulls));
}

key_rows keys_of(const key_layout& layout, const arrow::Array& column) {
  key_rows keys;
  keys.rows = column.length();
  if (column.null_count() > 0)
    for (std::int64_t row = 0; row < keys.rows; ++row) keys.nulls.push_back(column.IsNull(row) ? 1 : 0);
  if (const auto words = static_cast<std::size_t>(layout.words()); words > 0) {
    const auto& values = static_cast<const arrow::FixedSizeBinaryArray&>(column);
    keys.words.resize(static_cast<std::size_t>(keys.rows) * words);
    if (keys.rows > 0) std::memcpy(keys.words.data(), values.raw_values(), keys.words.size() * 8);
    return keys;
  }
  const auto& values = static_cast<const arrow::LargeBinaryArray&>(column);
  const auto* offsets = values.raw_value_offsets();
  for (std::int64_t row = 0; row <= keys.rows; ++row)
    keys.starts.push_back(static_cast<std::uint64_t>(offsets[row] - offsets[0]));
  const auto* bytes = reinterpret_cast<const char*>(values.raw_data());
  if (keys.starts.back() > 0) keys.bytes.assign(bytes + offsets[0], bytes + offsets[keys.rows]);
  return keys;
}

template <class ArrayType>
result<std::shared_ptr<ArrayType>> concatenated(const arrow::ArrayVector& parts) {
  SLUICE_ASSIGN_ARROW(auto whole, arrow::Concatenate(parts), "put the rows of a join together");
  return std::static_pointer_cast<ArrayType>(std::move(whole));
}

}  // namespace

std::int64_t bytes_of(const keyed_rows& rows) {
  return rows.rows.bytes() + rows.keys.memory() + (rows.numbers ? rows.numbers->length() * 8 : 0);
}

result<batch> with_key_columns(const key_layout& layout, const keyed_rows& rows) {
  auto columns = rows.rows.data->columns();
  auto fields = rows.rows.data->schema()->fields();
  const auto add = [&](const std::string& name, std::shared_ptr<arrow::Array> column) {
    fields.push_back(arrow::field(name, column->type()));
    columns.push_back(std::move(column));
  };
  if (rows.numbers) add("number", rows.numbers);
  SLUICE_ASSIGN(auto keys, key_column(layout, rows.keys));
  if (keys) add("key", std::move(keys));
  return rows.rows.with(
      arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows.rows.rows(), std::move(columns)));
}

result<memory::spilled_block> write_rows(memory::spill_file& file, const key_layout& layout, const keyed_rows& rows) {
  SLUICE_ASSIGN(const auto whole, with_key_columns(layout, rows));
  return file.write(whole);
}

result<keyed_rows> read_rows(const memory::spill_file& file, const key_layout& layout,
                             const memory::spilled_block& where, std::size_t data_columns) {
  SLUICE_ASSIGN(auto rows, file.read(where));
  return without_key_columns(layout, std::move(rows), data_columns);
}

result<keyed_rows> without_key_columns(const key_layout& layout, batch whole, std::size_t data_columns) {
  keyed_rows made;
  made.rows = std::move(whole);
  auto columns = made.rows.data->columns();
  auto fields = made.rows.data->schema()->fields();
  const auto rows = made.rows.rows();
  made.keys.rows = rows;
  if (!layout.keyless()) {
    made.keys = keys_of(layout, *columns.back());
    columns.pop_back();
    fields.pop_back();
  }
  if (columns.size() > data_columns) {
    made.numbers = std::static_pointer_cast<arrow::UInt64Array>(columns.back());
    columns.pop_back();
    fields.pop_back();
  }
  made.rows.data = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns));
  return made;
}

result<keyed_rows> put_together(const std::vector<keyed_rows>& parts) {
  if (parts.size() == 1) return parts.front();
  keyed_rows made;
  made.rows = parts.front().rows;
  made.rows.positions = nullptr;
  std::int64_t rows = 0;
  arrow::ArrayVector positions, numbers, columns;
  for (const auto& part : parts) {
    made.keys.append(part.keys, 0, part.rows.rows());
    rows += part.rows.rows();
    if (part.rows.positions) positions.push_back(part.rows.positions);
    if (part.numbers) numbers.push_back(part.numbers);
  }
  for (int column = 0; column < parts.front().rows.data->num_columns(); ++column) {
    arrow::ArrayVector pieces;
    for (const auto& part : parts) pieces.push_back(part.rows.data->column(column));
    SLUICE_ASSIGN(auto whole, concatenated<arrow::Array>(pieces));
    columns.push_back(std::move(whole));
  }
  made.rows.data = arrow::RecordBatch::Make(parts.front().rows.data->schema(), rows, std::move(columns));
  if (positions.size() == parts.size()) {
    SLUICE_ASSIGN(made.rows.positions, concatenated<arrow::FixedSizeBinaryArray>(positions));
  }
  if (numbers.empty()) return made;
  if (numbers.size() < parts.size()) {
    // Rows of the right that came behind a checkpoint, beside some that it had.
    numbers.clear();
    for (const auto& part : parts) {
      std::shared_ptr<arrow::Array> own = part.numbers;
      if (!own) {
        SLUICE_ASSIGN_ARROW(auto zero, arrow::MakeScalar(arrow::uint64(), 0), "put the rows of a join together");
        SLUICE_ASSIGN_ARROW(own, arrow::MakeArrayFromScalar(*zero, part.rows.rows()),
                            "put the rows of a join together");
      }
      numbers.push_back(std::move(own));
    }
  }
  SLUICE_ASSIGN(made.numbers, concatenated<arrow::UInt64Array>(numbers));
  return made;
}

keyed_rows take_keyed(const keyed_rows& from, const std::vector<std::int32_t>& rows) {
  const arrow::Int32Array indices(static_cast<std::int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
  keyed_rows made{.rows = take_rows(from.rows, indices), .keys = from.keys.take(rows)};
  if (from.numbers)
    made.numbers = std::static_pointer_cast<arrow::UInt64Array>(
        arrow::compute::Take(*from.numbers, indices, arrow::compute::TakeOptions::NoBoundsCheck()).ValueOrDie());
  return made;
}

}  // namespace sluice::joins
