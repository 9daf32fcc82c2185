#include "engine/operators/unknown_positions.hpp"

#include "engine/values/batch.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>

#include <cstring>

namespace sluice {

std::shared_ptr<arrow::UInt64Array> unknown_positions(std::int64_t rows) {
  static_assert(position::unknown == ~std::uint64_t{0});
  auto buffer = std::shared_ptr<arrow::Buffer>(arrow::AllocateBuffer(rows * 8).ValueOrDie());
  std::memset(buffer->mutable_data(), 0xff, static_cast<std::size_t>(rows) * 8);
  return std::make_shared<arrow::UInt64Array>(rows, std::move(buffer));
}

}  // namespace sluice
