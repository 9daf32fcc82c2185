#pragma once

#include <cstdint>
#include <cstring>

namespace sluice {

/// Copies a text that is most likely short: a call of memcpy takes longer than copying it does. Reads and writes
/// exactly `length` bytes.
inline void short_copy(void* to, const void* from, std::size_t length) {
  auto* out = static_cast<char*>(to);
  const auto* in = static_cast<const char*>(from);
  const auto ends = [&]<class Word>(Word) {
    Word first = 0, last = 0;
    std::memcpy(&first, in, sizeof first);
    std::memcpy(&last, in + length - sizeof last, sizeof last);
    std::memcpy(out, &first, sizeof first);
    std::memcpy(out + length - sizeof last, &last, sizeof last);
  };
  if (length > 16) {
    std::memcpy(out, in, length);
  } else if (length >= 8) {
    ends(std::uint64_t{});
  } else if (length >= 4) {
    ends(std::uint32_t{});
  } else {
    for (std::size_t i = 0; i < length; ++i) out[i] = in[i];
  }
}

/// Whether two texts of one length, most likely short, are the same. Reads exactly `length` bytes of each.
inline bool short_equal(const void* a, const void* b, std::size_t length) {
  const auto* left = static_cast<const char*>(a);
  const auto* right = static_cast<const char*>(b);
  const auto ends = [&]<class Word>(Word) {
    Word first[2] = {}, last[2] = {};
    std::memcpy(&first[0], left, sizeof(Word));
    std::memcpy(&first[1], right, sizeof(Word));
    std::memcpy(&last[0], left + length - sizeof(Word), sizeof(Word));
    std::memcpy(&last[1], right + length - sizeof(Word), sizeof(Word));
    return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
  };
  if (length > 16) return std::memcmp(left, right, length) == 0;
  if (length >= 8) return ends(std::uint64_t{});
  if (length >= 4) return ends(std::uint32_t{});
  for (std::size_t i = 0; i < length; ++i)
    if (left[i] != right[i]) return false;
  return true;
}

}  // namespace sluice
