#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::expression {

// Characters of UTF-8: code points, as PostgreSQL counts them.

inline bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

inline std::int64_t count_characters(std::string_view text) {
  std::int64_t count = 0;
  for (const char c : text) count += starts_character(c) ? 1 : 0;
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
