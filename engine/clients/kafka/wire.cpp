#include "engine/clients/kafka/wire.hpp"

namespace sluice::kafka {

wire_writer& wire_writer::number(std::int64_t value, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift & 0xff);
  return *this;
}

wire_writer& wire_writer::varint(std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(0x80 | (value & 0x7f));
  bytes_ += static_cast<char>(value);
  return *this;
}

wire_writer& wire_writer::text(std::string_view value) {
  int16(static_cast<std::int16_t>(value.size()));
  bytes_ += value;
  return *this;
}

wire_writer& wire_writer::compact_text(std::string_view value) {
  varint(static_cast<std::uint32_t>(value.size()) + 1);
  bytes_ += value;
  return *this;
}

wire_writer& wire_writer::bytes(std::string_view value) {
  int32(static_cast<std::int32_t>(value.size()));
  bytes_ += value;
  return *this;
}

std::int64_t wire_reader::number(std::size_t size) {
  if (!good_ || rest_.size() < size) {
    good_ = false;
    return 0;
  }
  // Sign-extended from its first byte.
  auto value = static_cast<std::int64_t>(static_cast<std::int8_t>(rest_[0]));
  for (std::size_t i = 1; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(rest_[i]);
  rest_.remove_prefix(size);
  return value;
}

std::uint32_t wire_reader::varint() {
  std::uint32_t value = 0;
  for (int shift = 0; good_ && shift < 32; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(int8());
    value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  good_ = false;
  return 0;
}

std::string wire_reader::take(std::int64_t size) {
  if (!good_ || size <= 0) return {};  // null is as good as empty here
  if (static_cast<std::uint64_t>(size) > rest_.size()) {
    good_ = false;
    return {};
  }
  std::string value(rest_.substr(0, static_cast<std::size_t>(size)));
  rest_.remove_prefix(static_cast<std::size_t>(size));
  return value;
}

std::uint32_t wire_reader::plausible(std::int64_t count) {
  if (count <= 0) return 0;
  // An element has at least one byte.
  if (static_cast<std::uint64_t>(count) > rest_.size()) good_ = false;
  return good_ ? static_cast<std::uint32_t>(count) : 0;
}

std::uint32_t wire_reader::compact_count() { return plausible(static_cast<std::int64_t>(varint()) - 1); }
std::uint32_t wire_reader::count() { return plausible(int32()); }

void wire_reader::tags() {
  for (auto left = varint(); good_ && left > 0; --left) {
    varint();
    take(varint());
  }
}

}  // namespace sluice::kafka
