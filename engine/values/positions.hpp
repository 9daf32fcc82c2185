#pragma once

#include "engine/error/error.hpp"
#include "engine/values/batch.hpp"

#include <arrow/array/array_binary.h>
#include <arrow/buffer.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace sluice {

static_assert(sizeof(position) == 16 && std::is_trivially_copyable_v<position> &&
              std::endian::native == std::endian::little);

/// The type of a column of positions: 16 bytes a row.
const std::shared_ptr<arrow::DataType>& position_type();

/// Reads one position. A column that came from another node may lie at any multiple of 8 bytes.
inline position position_at(const arrow::FixedSizeBinaryArray& of, std::int64_t row) {
  position found;
  std::memcpy(&found, of.GetValue(row), sizeof(position));
  return found;
}

/// A column of position_type() without nulls, as what it is.
inline std::shared_ptr<arrow::FixedSizeBinaryArray> as_positions(const std::shared_ptr<arrow::Array>& column) {
  return std::static_pointer_cast<arrow::FixedSizeBinaryArray>(column);
}

/// Positions that lie in a buffer one after another.
std::shared_ptr<arrow::FixedSizeBinaryArray> positions_in(std::int64_t rows, std::shared_ptr<arrow::Buffer> buffer);

/// Makes a column of `place(row)` for each row. Errors: out_of_memory.
template <class Place>
result<std::shared_ptr<arrow::FixedSizeBinaryArray>> make_positions(std::int64_t rows, Place&& place) {
  constexpr std::int64_t width = sizeof(position);
  SLUICE_ASSIGN_ARROW(std::shared_ptr<arrow::Buffer> buffer, arrow::AllocateBuffer(rows * width), "number rows");
  auto* const out = reinterpret_cast<position*>(buffer->mutable_data());
  for (std::int64_t row = 0; row < rows; ++row) out[row] = place(row);
  return positions_in(rows, std::move(buffer));
}

/// Positions of rows that were made on the way (by an aggregate), where the rows of the input had some.
std::shared_ptr<arrow::FixedSizeBinaryArray> unknown_positions(std::int64_t rows);

}  // namespace sluice
