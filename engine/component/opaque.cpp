#include "engine/component/opaque.hpp"

namespace sluice {

opaque_writer& opaque_writer::number(std::int64_t value) {
  // Small numbers of either sign are short.
  auto left = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (; left >= 0x80; left >>= 7) bytes_ += static_cast<char>(0x80 | (left & 0x7f));
  bytes_ += static_cast<char>(left);
  return *this;
}

opaque_writer& opaque_writer::text(std::string_view value) {
  number(static_cast<std::int64_t>(value.size()));
  bytes_ += value;
  return *this;
}

std::int64_t opaque_reader::number() {
  std::uint64_t value = 0;
  for (int shift = 0; good_ && shift < 64; shift += 7) {
    if (rest_.empty()) break;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }
  good_ = false;
  return 0;
}

std::string opaque_reader::text() {
  const auto size = number();
  if (!good_ || size < 0 || static_cast<std::uint64_t>(size) > rest_.size()) {
    good_ = false;
    return {};
  }
  std::string value(rest_.substr(0, static_cast<std::size_t>(size)));
  rest_.remove_prefix(static_cast<std::size_t>(size));
  return value;
}

status opaque_reader::done(const std::string& what) const {
  if (good_ && rest_.empty()) return {};
  return internal_error("foreign_bytes", what + " can't be read: it was written by another component");
}

}  // namespace sluice
