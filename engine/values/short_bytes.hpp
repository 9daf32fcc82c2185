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

}  // namespace sluice
