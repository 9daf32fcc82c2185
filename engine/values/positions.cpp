#include "engine/values/positions.hpp"

#include <arrow/type.h>

#include <array>

namespace sluice {

const std::shared_ptr<arrow::DataType>& position_type() {
  static const auto type = arrow::fixed_size_binary(sizeof(position));
  return type;
}

std::shared_ptr<arrow::FixedSizeBinaryArray> positions_in(std::int64_t rows, std::shared_ptr<arrow::Buffer> buffer) {
  return std::make_shared<arrow::FixedSizeBinaryArray>(position_type(), rows, std::move(buffer));
}

std::shared_ptr<arrow::FixedSizeBinaryArray> unknown_positions(std::int64_t rows) {
  static_assert(position::unknown == std::bit_cast<position>(std::array<std::uint64_t, 2>{~0ULL, ~0ULL}));
  const auto bytes = rows * static_cast<std::int64_t>(sizeof(position));
  auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(bytes).ValueOrDie());
  std::memset(buffer->mutable_data(), 0xff, static_cast<std::size_t>(bytes));
  return positions_in(rows, std::move(buffer));
}

}  // namespace sluice
