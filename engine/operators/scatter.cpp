#include "engine/operators/scatter.hpp"

#include "engine/expression/bits.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include <cstring>
#include <limits>

namespace sluice {

namespace {

using arrow::Type;
using array_ptr = std::shared_ptr<arrow::Array>;
using buffer_ptr = std::shared_ptr<arrow::Buffer>;
using places = std::vector<std::vector<std::uint32_t>>;

struct sixteen_bytes {
  std::uint64_t words[2];
};

result<buffer_ptr> scatter_bits(const arrow::ArrayVector& from, const places& to, std::int64_t rows, bool validity) {
  SLUICE_ASSIGN_ARROW(buffer_ptr out, arrow::AllocateEmptyBitmap(rows), "put rows in order");
  auto* bits = out->mutable_data();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto& column = *from[i];
    const auto* source = validity ? column.null_bitmap_data() : column.data()->buffers[1]->data();
    const bool all = validity && (column.null_count() == 0 || source == nullptr);
    for (std::size_t row = 0; row < to[i].size(); ++row)
      if (all || expression::get_bit(source, column.offset() + static_cast<std::int64_t>(row)))
        expression::set_bit(bits, to[i][row]);
  }
  return out;
}

std::int64_t nulls_in(const arrow::ArrayVector& from) {
  std::int64_t nulls = 0;
  for (const auto& column : from) nulls += column->null_count();
  return nulls;
}

result<array_ptr> made(const arrow::ArrayVector& from, const places& to, std::int64_t rows, buffer_ptr values,
                       buffer_ptr texts = nullptr) {
  const auto nulls = nulls_in(from);
  std::vector<buffer_ptr> buffers(2);
  if (nulls > 0) {
    SLUICE_ASSIGN(buffers[0], scatter_bits(from, to, rows, true));
  }
  buffers[1] = std::move(values);
  if (texts) buffers.push_back(std::move(texts));
  return arrow::MakeArray(arrow::ArrayData::Make(from.front()->type(), rows, std::move(buffers), nulls));
}

template <class Value>
void put(const std::uint8_t* values, const std::vector<std::uint32_t>& to, std::uint8_t* out) {
  for (std::size_t row = 0; row < to.size(); ++row)
    std::memcpy(out + to[row] * sizeof(Value), values + row * sizeof(Value), sizeof(Value));
}

result<array_ptr> scatter_fixed(const arrow::ArrayVector& from, const places& to, std::int64_t rows) {
  const auto width = from.front()->type()->byte_width();
  SLUICE_ASSIGN_ARROW(buffer_ptr out, arrow::AllocateBuffer(rows * width), "put rows in order");
  auto* bytes = out->mutable_data();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto* values = from[i]->data()->buffers[1]->data() + from[i]->offset() * width;
    switch (width) {
      case 1:
        put<std::uint8_t>(values, to[i], bytes);
        break;
      case 2:
        put<std::uint16_t>(values, to[i], bytes);
        break;
      case 4:
        put<std::uint32_t>(values, to[i], bytes);
        break;
      case 8:
        put<std::uint64_t>(values, to[i], bytes);
        break;
      case 16:
        put<sixteen_bytes>(values, to[i], bytes);
        break;
      default: {
        const auto size = static_cast<std::size_t>(width);
        for (std::size_t row = 0; row < to[i].size(); ++row)
          std::memcpy(bytes + to[i][row] * size, values + row * size, size);
      }
    }
  }
  return made(from, to, rows, std::move(out));
}

result<array_ptr> scatter_text(const arrow::ArrayVector& from, const places& to, std::int64_t rows) {
  SLUICE_ASSIGN_ARROW(buffer_ptr offsets, arrow::AllocateBuffer((rows + 1) * 4), "put rows in order");
  auto* ends = reinterpret_cast<std::int32_t*>(offsets->mutable_data());
  std::int64_t total = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto* begins = static_cast<const arrow::BinaryArray&>(*from[i]).raw_value_offsets();
    for (std::size_t row = 0; row < to[i].size(); ++row) ends[to[i][row] + 1] = begins[row + 1] - begins[row];
    total += begins[to[i].size()] - begins[0];
  }
  if (total > std::numeric_limits<std::int32_t>::max())
    return user_error("value_too_large", "a batch contains more than 2 GiB of one text column",
                      "drop the column in a unit before this one");
  ends[0] = 0;
  for (std::int64_t row = 0; row < rows; ++row) ends[row + 1] += ends[row];
  SLUICE_ASSIGN_ARROW(buffer_ptr texts, arrow::AllocateBuffer(total), "put rows in order");
  auto* out = texts->mutable_data();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto& column = static_cast<const arrow::BinaryArray&>(*from[i]);
    const auto* begins = column.raw_value_offsets();
    const auto* bytes = column.raw_data();
    for (std::size_t row = 0; row < to[i].size(); ++row) {
      const auto length = static_cast<std::size_t>(begins[row + 1] - begins[row]);
      if (length > 0) std::memcpy(out + ends[to[i][row]], bytes + begins[row], length);
    }
  }
  return made(from, to, rows, std::move(offsets), std::move(texts));
}

}  // namespace

bool can_scatter(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::BOOL:
    case Type::STRING:
    case Type::BINARY:
    case Type::FIXED_SIZE_BINARY:
    case Type::INTERVAL_MONTH_DAY_NANO:
      return true;
    default:
      return arrow::is_primitive(type.id()) || arrow::is_decimal(type.id());
  }
}

result<array_ptr> scatter_column(const arrow::ArrayVector& from, const places& to, std::int64_t rows) {
  switch (from.front()->type_id()) {
    case Type::BOOL: {
      SLUICE_ASSIGN(auto bits, scatter_bits(from, to, rows, false));
      return made(from, to, rows, std::move(bits));
    }
    case Type::STRING:
    case Type::BINARY:
      return scatter_text(from, to, rows);
    default:
      return scatter_fixed(from, to, rows);
  }
}

}  // namespace sluice
