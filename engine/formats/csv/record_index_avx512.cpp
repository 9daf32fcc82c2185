// The standard headers come before the pragma: their inline functions must not be compiled for AVX-512.
#include "engine/formats/csv/record_index.hpp"

#include <immintrin.h>

#include <cstdint>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,popcnt,lzcnt,pclmul")

#include "engine/formats/csv/block_scan.hpp"

namespace sluice::csv {

namespace {

class avx512_block {
 public:
  explicit avx512_block(const dialect& rules)
      : separator_(_mm512_set1_epi8(static_cast<char>(rules.separator))),
        quote_(_mm512_set1_epi8(static_cast<char>(rules.quote.value_or(0)))),
        may_quote_(rules.quote ? ~__mmask64{0} : 0) {}

  block_masks masks(const std::uint8_t* data) {
    const auto bytes = _mm512_loadu_si512(data);
    high_ = _mm512_or_si512(high_, bytes);
    return {.separator = _mm512_cmpeq_epi8_mask(bytes, separator_),
            .quote = _mm512_mask_cmpeq_epi8_mask(may_quote_, bytes, quote_),
            .line_feed = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')),
            .carriage_return = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r'))};
  }
  [[nodiscard]] bool saw_high() const { return _mm512_movepi8_mask(high_) != 0; }

  static std::uint64_t prefix_xor(std::uint64_t bits) {
    const auto ones = _mm_set1_epi8(static_cast<char>(0xFF));
    return static_cast<std::uint64_t>(
        _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), ones, 0)));
  }
  static void write_positions(std::uint32_t* out, std::uint32_t at, std::uint64_t bits, int count) {
    // The numbers of the set bits move to the front, then 16 at a time are widened to positions.
    const auto numbers = _mm512_maskz_compress_epi8(
        bits, _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42,
                              41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20,
                              19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    const auto base = _mm512_set1_epi32(static_cast<int>(at));
    _mm512_storeu_si512(out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(numbers))));
    if (count <= 16) return;
    _mm512_storeu_si512(out + 16, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(numbers, 1))));
    if (count <= 32) return;
    _mm512_storeu_si512(out + 32, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(numbers, 2))));
    _mm512_storeu_si512(out + 48, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(numbers, 3))));
  }

 private:
  __m512i separator_;
  __m512i quote_;
  __m512i high_ = _mm512_setzero_si512();
  __mmask64 may_quote_;
};

}  // namespace

std::uint32_t record_index::scan_avx512(record_index& index, const std::uint8_t* data, std::uint32_t from,
                                        std::uint32_t to) {
  return block_scan<avx512_block>::run(index, data, from, to);
}

}  // namespace sluice::csv

#pragma GCC pop_options
