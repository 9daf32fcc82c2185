#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::expression {

// Characters of UTF-8: code points, as PostgreSQL counts them.

inline bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

inline std::int64_t count_characters(std::string_view text) {
  auto count = static_cast<std::int64_t>(text.size());
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, 8);
    // Bytes 10xxxxxx continue a character: the highest bit set and the one below it clear.
    count -= __builtin_popcountll(bytes & ~(bytes << 1) & 0x8080808080808080ULL);
  }
  for (; at < text.size(); ++at) count -= starts_character(text[at]) ? 0 : 1;
  return count;
}

/// The byte where character `index` (from 0) begins; the end where there are fewer.
inline std::size_t byte_of_character(std::string_view text, std::int64_t index) {
  if (index <= 0) return 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    if (starts_character(text[at]) && index-- == 0) return at;
  return text.size();
}

/// The byte where the last `count` characters begin.
inline std::size_t byte_of_last(std::string_view text, std::int64_t count) {
  auto at = text.size();
  while (at > 0 && count > 0)
    if (starts_character(text[--at])) --count;
  return at;
}

/// Bytes of the character at `at`.
inline std::size_t character_length(std::string_view text, std::size_t at) {
  auto end = at + 1;
  while (end < text.size() && !starts_character(text[end])) ++end;
  return end - at;
}

}  // namespace sluice::expression
