#include "engine/operators/window_functions/changes.hpp"

#include "engine/operators/keys/group_index.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <cstring>
#include <string_view>

namespace sluice::window_functions {

namespace {

using arrow::Type;

struct sixteen_bytes {
  std::uint64_t low, high;
  friend bool operator!=(const sixteen_bytes& a, const sixteen_bytes& b) {
    return ((a.low ^ b.low) | (a.high ^ b.high)) != 0;
  }
};

int width_of(const arrow::DataType& type) {
  return type.id() == Type::BOOL || !arrow::is_fixed_width(type.id()) ? 0 : type.byte_width();
}

// The bytes of a value that is not null.
std::string_view bytes_at(const arrow::Array& column, std::int64_t row) {
  static constexpr std::string_view truths[] = {"f", "t"};
  switch (column.type_id()) {
    case Type::NA:
      return {};
    case Type::BOOL:
      return truths[static_cast<const arrow::BooleanArray&>(column).Value(row) ? 1 : 0];
    case Type::STRING:
    case Type::BINARY:
      return static_cast<const arrow::BinaryArray&>(column).GetView(row);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(column).GetView(row);
    default: {
      const auto width = column.type()->byte_width();
      const auto* values = column.data()->buffers[1]->data();
      return {reinterpret_cast<const char*>(values) + (column.offset() + row) * width, static_cast<std::size_t>(width)};
    }
  }
}

template <class Value>
void mark_fixed(const arrow::Array& column, std::vector<std::uint8_t>& flags) {
  const auto* values = column.data()->buffers[1]->data() + column.offset() * std::ptrdiff_t{sizeof(Value)};
  const auto at = [values](std::int64_t row) {
    Value value;
    std::memcpy(&value, values + row * std::ptrdiff_t{sizeof(Value)}, sizeof value);
    return value;
  };
  auto* out = flags.data();
  for (std::int64_t row = 1; row < column.length(); ++row) out[row] |= at(row) != at(row - 1) ? 1 : 0;
}

}  // namespace

status changes::mark(std::shared_ptr<arrow::Array> column, std::vector<std::uint8_t>& flags) {
  const auto rows = column->length();
  if (rows == 0) return {};
  SLUICE_ASSIGN(column, canonical_key(std::move(column)));
  const bool all_null = column->type_id() == Type::NA;
  const auto value = [&](std::int64_t row) -> std::optional<std::string_view> {
    if (all_null || column->IsNull(row)) return std::nullopt;
    return bytes_at(*column, row);
  };
  const auto first = value(0);
  if (!any_ || first.has_value() != last_.has_value() || (first && *first != *last_)) flags[0] = 1;
  any_ = true;
  const int width = column->null_count() > 0 ? 0 : width_of(*column->type());
  switch (all_null ? -1 : width) {
    case -1:
      break;
    case 1:
      mark_fixed<std::uint8_t>(*column, flags);
      break;
    case 2:
      mark_fixed<std::uint16_t>(*column, flags);
      break;
    case 4:
      mark_fixed<std::uint32_t>(*column, flags);
      break;
    case 8:
      mark_fixed<std::uint64_t>(*column, flags);
      break;
    case 16:
      mark_fixed<sixteen_bytes>(*column, flags);
      break;
    default:
      for (std::int64_t row = 1; row < rows; ++row)
        if (value(row) != value(row - 1)) flags[static_cast<std::size_t>(row)] = 1;
  }
  const auto last = value(rows - 1);
  last_ = last ? std::optional<std::string>(*last) : std::nullopt;
  return {};
}

}  // namespace sluice::window_functions
