// The standard headers come before the pragma: their inline functions must not be compiled for AVX2.
#include "engine/formats/csv/record_index.hpp"

#include <immintrin.h>

#include <cstdint>

#pragma GCC push_options
#pragma GCC target("avx2,bmi,bmi2,popcnt,lzcnt,pclmul")

#include "engine/formats/csv/block_scan.hpp"

namespace sluice::csv {

namespace {

class avx2_block {
 public:
  explicit avx2_block(const dialect& rules)
      : separator_(_mm256_set1_epi8(static_cast<char>(rules.separator))),
        quote_(_mm256_set1_epi8(static_cast<char>(rules.quote.value_or(0)))),
        has_quote_(rules.quote.has_value()) {}

  block_masks masks(const std::uint8_t* data) {
    const auto low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
    const auto high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + 32));
    high_ = _mm256_or_si256(high_, _mm256_or_si256(low, high));
    return {.separator = equal(low, high, separator_),
            .quote = has_quote_ ? equal(low, high, quote_) : 0,
            .line_feed = equal(low, high, _mm256_set1_epi8('\n')),
            .carriage_return = equal(low, high, _mm256_set1_epi8('\r'))};
  }
  [[nodiscard]] bool saw_high() const { return _mm256_movemask_epi8(high_) != 0; }

  static std::uint64_t prefix_xor(std::uint64_t bits) {
    const auto ones = _mm_set1_epi8(static_cast<char>(0xFF));
    return static_cast<std::uint64_t>(
        _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), ones, 0)));
  }
  static void write_positions(std::uint32_t* out, std::uint32_t at, std::uint64_t bits, int count) {
    write_positions_by_eight(out, at, bits, count);
  }

 private:
  static std::uint64_t equal(__m256i low, __m256i high, __m256i wanted) {
    const auto first = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    const auto second = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    return first | (std::uint64_t{second} << 32);
  }

  __m256i separator_;
  __m256i quote_;
  __m256i high_ = _mm256_setzero_si256();
  bool has_quote_;
};

}  // namespace

std::uint32_t record_index::scan_avx2(record_index& index, const std::uint8_t* data, std::uint32_t from,
                                      std::uint32_t to) {
  return block_scan<avx2_block>::run(index, data, from, to);
}

}  // namespace sluice::csv

#pragma GCC pop_options
