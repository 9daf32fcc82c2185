#include "engine/operators/keys/key_runs.hpp"

#include "engine/values/short_bytes.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

using arrow::Type;

constexpr std::int64_t rows_to_judge_by = 256;

template <class Value>
void note_values(const std::uint8_t* bytes, std::int64_t rows, std::uint8_t* begins) {
  const auto* values = reinterpret_cast<const Value*>(bytes);
  for (std::int64_t row = 1; row < rows; ++row) begins[row] |= values[row] != values[row - 1] ? 1 : 0;
}

void note_wide_values(const std::uint8_t* bytes, std::size_t width, std::int64_t rows, std::uint8_t* begins) {
  for (std::int64_t row = 1; row < rows; ++row) {
    const auto* value = bytes + static_cast<std::size_t>(row) * width;
    begins[row] |= std::memcmp(value, value - width, width) != 0 ? 1 : 0;
  }
}

template <class ArrayType>
void note_texts(const ArrayType& texts, std::int64_t rows, std::uint8_t* begins) {
  const auto* offsets = texts.raw_value_offsets();
  const auto* bytes = texts.value_data() ? texts.value_data()->data() : nullptr;
  for (std::int64_t row = 1; row < rows; ++row) {
    if (begins[row]) continue;
    const auto length = offsets[row + 1] - offsets[row];
    begins[row] = length != offsets[row] - offsets[row - 1] ||
                  (length > 0 &&
                   std::memcmp(bytes + offsets[row], bytes + offsets[row - 1], static_cast<std::size_t>(length)) != 0);
  }
}

void note_fixed(const arrow::Array& column, std::int64_t rows, std::uint8_t* begins) {
  const auto width = static_cast<const arrow::FixedWidthType&>(*column.type()).bit_width() / 8;
  const auto* bytes = column.data()->buffers[1]->data() + column.offset() * width;
  switch (width) {
    case 1:
      return note_values<std::uint8_t>(bytes, rows, begins);
    case 2:
      return note_values<std::uint16_t>(bytes, rows, begins);
    case 4:
      return note_values<std::uint32_t>(bytes, rows, begins);
    case 8:
      return note_values<std::uint64_t>(bytes, rows, begins);
    default:
      return note_wide_values(bytes, static_cast<std::size_t>(width), rows, begins);
  }
}

/// Sets the bytes of rows whose value differs from that of the row before, or may.
void note_column(const arrow::Array& column, std::int64_t rows, std::uint8_t* begins) {
  if (column.type_id() != Type::NA && column.null_count() > 0)
    for (std::int64_t row = 1; row < rows; ++row) begins[row] |= column.IsValid(row) != column.IsValid(row - 1) ? 1 : 0;
  switch (column.type_id()) {
    case Type::NA:
      return;
    case Type::STRING:
    case Type::BINARY:
      return note_texts(static_cast<const arrow::BinaryArray&>(column), rows, begins);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return note_texts(static_cast<const arrow::LargeBinaryArray&>(column), rows, begins);
    case Type::BOOL: {
      const auto& values = static_cast<const arrow::BooleanArray&>(column);
      for (std::int64_t row = 1; row < rows; ++row) begins[row] |= values.Value(row) != values.Value(row - 1) ? 1 : 0;
      return;
    }
    default:
      return note_fixed(column, rows, begins);
  }
}

bool pay(std::size_t runs, std::int64_t rows) { return runs <= static_cast<std::size_t>(rows) / 4 * 3; }

}  // namespace

void key_runs::collect(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) {
  begins_.assign(static_cast<std::size_t>(rows), 0);
  firsts_.clear();
  if (rows == 0) return;
  begins_[0] = 1;
  for (const auto& column : keys) note_column(*column, rows, begins_.data());
  firsts_.resize(static_cast<std::size_t>(rows));
  std::size_t runs = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    firsts_[runs] = static_cast<std::int32_t>(row);
    runs += begins_[row];
  }
  firsts_.resize(runs);
}

const std::vector<std::int32_t>& key_runs::find(const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                                std::int64_t rows) {
  if (rows > rows_to_judge_by) {
    collect(keys, rows_to_judge_by);
    if (!pay(firsts_.size(), rows_to_judge_by)) {
      firsts_.clear();
      return firsts_;
    }
  }
  collect(keys, rows);
  if (!pay(firsts_.size(), rows)) firsts_.clear();
  return firsts_;
}

void key_runs::spread(const std::uint32_t* of_runs, std::uint32_t* of_rows) const {
  --of_runs;  // the first row begins the first run
  for (std::size_t row = 0; row < begins_.size(); ++row) {
    of_runs += begins_[row];
    of_rows[row] = *of_runs;
  }
}

}  // namespace sluice
