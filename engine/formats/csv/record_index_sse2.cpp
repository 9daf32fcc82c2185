#include "engine/formats/csv/block_scan.hpp"

#include <emmintrin.h>

namespace sluice::csv {

namespace {

class sse2_block {
 public:
  explicit sse2_block(const dialect& rules)
      : separator_(_mm_set1_epi8(static_cast<char>(rules.separator))),
        quote_(_mm_set1_epi8(static_cast<char>(rules.quote.value_or(0)))),
        has_quote_(rules.quote.has_value()) {}

  block_masks masks(const std::uint8_t* data) {
    block_masks all{};
    for (int i = 0; i < 4; ++i) {
      const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + 16 * i));
      high_ = _mm_or_si128(high_, bytes);
      all.separator |= bits(_mm_cmpeq_epi8(bytes, separator_)) << (16 * i);
      all.quote |= bits(_mm_cmpeq_epi8(bytes, quote_)) << (16 * i);
      all.line_feed |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))) << (16 * i);
      all.carriage_return |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'))) << (16 * i);
    }
    if (!has_quote_) all.quote = 0;
    return all;
  }
  [[nodiscard]] bool saw_high() const { return _mm_movemask_epi8(high_) != 0; }

  static std::uint64_t prefix_xor(std::uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
  }
  static void write_positions(std::uint32_t* out, std::uint32_t at, std::uint64_t bits, int count) {
    write_positions_by_eight(out, at, bits, count);
  }

 private:
  static std::uint64_t bits(__m128i equal) { return static_cast<std::uint32_t>(_mm_movemask_epi8(equal)); }

  __m128i separator_;
  __m128i quote_;
  __m128i high_ = _mm_setzero_si128();
  bool has_quote_;
};

}  // namespace

std::uint32_t record_index::scan_sse2(record_index& index, const std::uint8_t* data, std::uint32_t from,
                                      std::uint32_t to) {
  return block_scan<sse2_block>::run(index, data, from, to);
}

}  // namespace sluice::csv
