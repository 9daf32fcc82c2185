#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::kafka {

// The primitive types of Kafka's protocol (https://kafka.apache.org/protocol): numbers are big-endian. Lengths of
// "compact" texts and lists are varints, one more than the length; 0 stands for null.

/// Writes the body of a request.
class wire_writer {
 public:
  wire_writer& int8(std::int8_t value) { return number(value, 1); }
  wire_writer& int16(std::int16_t value) { return number(value, 2); }
  wire_writer& int32(std::int32_t value) { return number(value, 4); }
  wire_writer& int64(std::int64_t value) { return number(value, 8); }
  wire_writer& varint(std::uint32_t value);
  wire_writer& text(std::string_view value);
  wire_writer& compact_text(std::string_view value);
  /// A length of 32 bits, then the bytes.
  wire_writer& bytes(std::string_view value);
  /// The end of a structure of a flexible version: no tagged fields.
  wire_writer& no_tags() { return varint(0); }
  [[nodiscard]] const std::string& done() const { return bytes_; }

 private:
  wire_writer& number(std::int64_t value, int size);
  std::string bytes_;
};

/// Reads a response. What is not there reads as 0 or empty, and `good` is false from then on.
class wire_reader {
 public:
  explicit wire_reader(std::string_view bytes) : rest_(bytes) {}
  std::int8_t int8() { return static_cast<std::int8_t>(number(1)); }
  std::int16_t int16() { return static_cast<std::int16_t>(number(2)); }
  std::int32_t int32() { return static_cast<std::int32_t>(number(4)); }
  std::int64_t int64() { return number(8); }
  std::uint32_t varint();
  std::string text() { return take(int16()); }
  std::string compact_text() { return take(static_cast<std::int64_t>(varint()) - 1); }
  std::string bytes() { return take(int32()); }
  /// Number of elements of a compact list; 0 for null, and where so many can't follow.
  std::uint32_t compact_count();
  /// The same of a list with a length of 32 bits.
  std::uint32_t count();
  void tags();
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::int64_t number(std::size_t size);
  std::string take(std::int64_t size);
  std::uint32_t plausible(std::int64_t count);

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace sluice::kafka
