#include "engine/formats/ndjson/text_writer.hpp"

#include "engine/formats/ndjson/cursor.hpp"

#include <cstring>

namespace sluice::ndjson {

namespace {

char hex_digit(int value) { return "0123456789abcdef"[value & 15]; }

char* write_escape(char* out, char c) {
  *out++ = '\\';
  switch (c) {
    case '"':
      *out++ = '"';
      return out;
    case '\\':
      *out++ = '\\';
      return out;
    case '\b':
      *out++ = 'b';
      return out;
    case '\f':
      *out++ = 'f';
      return out;
    case '\n':
      *out++ = 'n';
      return out;
    case '\r':
      *out++ = 'r';
      return out;
    case '\t':
      *out++ = 't';
      return out;
    default:
      break;
  }
  std::memcpy(out, "u00", 3);
  out[3] = hex_digit(c >> 4);
  out[4] = hex_digit(c);
  return out + 5;
}

/// Whether one of 8 bytes must be escaped.
bool wants_escape(std::uint64_t bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t of) { return (of - ones) & ~of & high; };
  // Below 0x20; a borrow from a byte below can only add a byte that is looked at more closely.
  const auto control = (bytes - ones * 0x20) & ~bytes & high;
  return (has_zero(bytes ^ (ones * '"')) | has_zero(bytes ^ (ones * '\\')) | control) != 0;
}

/// Copies at most 15 bytes without one that must be escaped; false: nothing was copied.
bool copy_short(char* to, const char* from, std::size_t size) {
  const auto load = [](const char* at, std::size_t bytes) {
    std::uint64_t value = 0x2020202020202020;
    std::memcpy(&value, at, bytes);
    return value;
  };
  // Two words that overlap hold any number of bytes.
  const std::size_t width = size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : size;
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  switch (width) {
    case 8:
      head = load(from, 8), tail = load(from + size - 8, 8);
      break;
    case 4:
      head = load(from, 4), tail = load(from + size - 4, 4);
      break;
    case 2:
      head = load(from, 2), tail = load(from + size - 2, 2);
      break;
    case 1:
      head = tail = load(from, 1);
      break;
    default:
      return true;
  }
  if (wants_escape(head) || wants_escape(tail)) return false;
  std::memcpy(to, &head, 8);
  std::memcpy(to + size - width, &tail, 8);
  return true;
}

}  // namespace

void append_quoted(growing_bytes& out, std::string_view text) {
  // At worst every byte becomes six; runs of plain bytes are copied 16 at a time.
  auto* to = reinterpret_cast<char*>(out.room(static_cast<std::int64_t>(text.size()) * 6 + 32));
  *to++ = '"';
  const char* from = text.data();
  const char* const end = from + text.size();
  if (text.size() < 16 && copy_short(to, from, text.size())) {
    to[text.size()] = '"';
    out.advance_to(reinterpret_cast<std::uint8_t*>(to + text.size() + 1));
    return;
  }
  while (end - from >= 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const int run = plain_run(bytes);
    from += run;
    to += run;
    if (run < 16) to = write_escape(to, *from++);
  }
  for (; from != end; ++from) {
    if (*from == '"' || *from == '\\' || static_cast<unsigned char>(*from) < 0x20)
      to = write_escape(to, *from);
    else
      *to++ = *from;
  }
  *to++ = '"';
  out.advance_to(reinterpret_cast<std::uint8_t*>(to));
}

void append_hex(growing_bytes& out, std::string_view bytes) {
  auto* begin = reinterpret_cast<char*>(out.room(static_cast<std::int64_t>(bytes.size()) * 2 + 8));
  auto* to = begin;
  std::memcpy(to, "\"\\\\x", 4);
  to += 4;
  for (const char c : bytes) {
    *to++ = hex_digit(static_cast<unsigned char>(c) >> 4);
    *to++ = hex_digit(c);
  }
  *to++ = '"';
  out.advance_to(reinterpret_cast<std::uint8_t*>(to));
}

}  // namespace sluice::ndjson
