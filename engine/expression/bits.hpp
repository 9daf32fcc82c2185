#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <cstring>
#include <memory>

namespace sluice::expression {

// Bitmaps inside the engine begin at bit 0 of their buffer. Those that it makes are padded to whole words; those of
// columns may end with the last byte that is used, so that their tail is read bytewise.

inline std::int64_t words_for(std::int64_t bits) { return (bits + 63) / 64; }
inline std::uint64_t low_bits(std::int64_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

/// Reads word `index` of a bitmap with `bits` bits; bits beyond the end read as 0.
inline std::uint64_t load_word(const std::uint8_t* bitmap, std::int64_t index, std::int64_t bits) {
  const std::int64_t left = bits - index * 64;
  std::uint64_t word = 0;
  if (left >= 64) {
    std::memcpy(&word, bitmap + index * 8, 8);
    return word;
  }
  std::memcpy(&word, bitmap + index * 8, static_cast<std::size_t>((left + 7) / 8));
  return word & low_bits(left);
}

inline void store_word(std::uint8_t* bitmap, std::int64_t index, std::uint64_t word) {
  std::memcpy(bitmap + index * 8, &word, 8);
}

/// Writes f(a, b) of every word of two bitmaps: whole words without looking at the end, the last one bytewise.
template <class Combine>
void combine_words(std::int64_t bits, std::uint8_t* out, const std::uint8_t* a, const std::uint8_t* b,
                   Combine&& combine) {
  const std::int64_t whole = bits / 64;
  for (std::int64_t word = 0; word < whole; ++word) {
    std::uint64_t x, y;
    std::memcpy(&x, a + word * 8, 8);
    std::memcpy(&y, b + word * 8, 8);
    store_word(out, word, combine(x, y));
  }
  if (bits % 64 != 0) store_word(out, whole, combine(load_word(a, whole, bits), load_word(b, whole, bits)));
}

/// Writes the bits of `truth(row)`, in whole words.
template <class Truth>
void gather_bits(std::int64_t rows, std::uint8_t* out, Truth&& truth) {
  for (std::int64_t row = 0; row < rows; row += 64) {
    std::uint64_t word = 0;
    const auto count = rows - row < 64 ? rows - row : 64;
    for (std::int64_t bit = 0; bit < count; ++bit) word |= static_cast<std::uint64_t>(truth(row + bit)) << bit;
    store_word(out, row / 64, word);
  }
}

inline bool get_bit(const std::uint8_t* bitmap, std::int64_t index) {
  return ((bitmap[index >> 3] >> (index & 7)) & 1) != 0;
}
inline void clear_bit(std::uint8_t* bitmap, std::int64_t index) {
  bitmap[index >> 3] = static_cast<std::uint8_t>(bitmap[index >> 3] & ~(1U << (index & 7)));
}
inline void set_bit(std::uint8_t* bitmap, std::int64_t index) {
  bitmap[index >> 3] = static_cast<std::uint8_t>(bitmap[index >> 3] | (1U << (index & 7)));
}

}  // namespace sluice::expression
