// The headers of others come before the pragma: their inline functions must not be compiled for AVX-512.
#include "engine/formats/csv/wide_fields.hpp"

#include "engine/columns/typed/plain_value.hpp"

#include <immintrin.h>

#include <cstring>

#pragma GCC push_options
// GCC 12 takes the undefined registers in its own intrinsics for our mistakes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx2,bmi,bmi2,popcnt,lzcnt")

namespace sluice::csv {

namespace {

constexpr std::int64_t group = 8;

/// The last 16 bytes of eight fields, and their lengths. What is said of single bytes is said in lanes of 16 bits, one
/// a field, the last byte highest.
struct eight_fields {
  __m512i bytes[2];  ///< four fields each
  __m128i lengths;   ///< 65,535 and more look alike
  __m128i bits;      ///< which bytes belong to the field; none where it is empty or longer than 16
};

/// `ends`: of the column's field in a record that begins with the first of all.
inline eight_fields load(const std::uint8_t* data, const std::uint32_t* ends, const std::uint32_t* first) {
  const auto pair = [&](int i) {
    std::int64_t both = 0;
    std::memcpy(&both, ends + first[i] - 1, sizeof both);
    return both;
  };
  const auto tail = [&](int i) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + ends[first[i]] - 16));
  };
  const auto four = [&](int i) {
    const auto low = _mm512_castsi128_si512(tail(i));
    const auto two = _mm512_inserti64x2(low, tail(i + 1), 1);
    return _mm512_inserti64x2(_mm512_inserti64x2(two, tail(i + 2), 2), tail(i + 3), 3);
  };
  // The end of the field before, and behind it the end of this one.
  const auto both = _mm512_set_epi64(pair(7), pair(6), pair(5), pair(4), pair(3), pair(2), pair(1), pair(0));
  const auto begins = _mm512_add_epi32(both, _mm512_set1_epi32(1));
  const auto lengths =
      _mm512_and_si512(_mm512_sub_epi32(_mm512_srli_epi64(both, 32), begins), _mm512_set1_epi64(0xFFFFFFFF));
  eight_fields all;
  all.bytes[0] = four(0);
  all.bytes[1] = four(4);
  all.lengths = _mm512_cvtusepi64_epi16(lengths);
  // A shift by more than 15 leaves nothing.
  all.bits = _mm_sllv_epi16(_mm_set1_epi16(-1), _mm_sub_epi16(_mm_set1_epi16(16), all.lengths));
  return all;
}

/// Which bytes are a character.
inline __m128i where(const eight_fields& of, char character) {
  const auto wanted = _mm512_set1_epi8(character);
  return _mm_set_epi64x(static_cast<std::int64_t>(_mm512_cmpeq_epi8_mask(of.bytes[1], wanted)),
                        static_cast<std::int64_t>(_mm512_cmpeq_epi8_mask(of.bytes[0], wanted)));
}
inline __mmask64 low(__m128i bits) { return static_cast<__mmask64>(_mm_cvtsi128_si64(bits)); }
inline __mmask64 high(__m128i bits) { return static_cast<__mmask64>(_mm_extract_epi64(bits, 1)); }
inline __m128i first_of(__m128i bits) { return _mm_andnot_si128(_mm_slli_epi16(bits, 1), bits); }

/// Eight numbers in the plain form: digits with at most one point, and a minus in front.
struct eight_numbers {
  __m512i digits;  ///< without the point
  __m256i behind;  ///< the digits behind the point; 16 where there is none
  __mmask8 minus;
  __mmask8 pointed;
  __mmask8 odd;  ///< is none
};

/// The numbers that 16 digit values make, four a register.
inline __m512i eights_of(__m512i digits) {
  const auto pairs = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
  const auto fours = _mm512_madd_epi16(pairs, _mm512_set1_epi32(0x00010064));
  return _mm512_madd_epi16(_mm512_packus_epi32(fours, fours), _mm512_set1_epi32(0x00012710));
}

inline eight_numbers numbers_of(const eight_fields& from, bool inferred) {
  const auto minus = _mm_and_si128(where(from, '-'), first_of(from.bits));
  const auto bits = _mm_andnot_si128(minus, from.bits);
  const auto points = _mm_and_si128(where(from, '.'), bits);
  // Up to the point: what stands before it moves one up, so that the digits close ranks.
  const auto below = _mm_add_epi16(points, _mm_set1_epi16(-1));
  const auto pointed = _mm_test_epi16_mask(points, points);
  const auto move = _mm_maskz_mov_epi16(pointed, _mm_or_si128(points, below));
  const auto close_ranks = [&](__m512i bytes, __mmask64 taken, __mmask64 moved) {
    const auto values = _mm512_maskz_sub_epi8(taken, bytes, _mm512_set1_epi8('0'));
    return _mm512_mask_mov_epi8(values, moved, _mm512_bslli_epi128(values, 1));
  };
  const auto digits0 = close_ranks(from.bytes[0], low(bits), low(move));
  const auto digits1 = close_ranks(from.bytes[1], high(bits), high(move));
  const auto nine = _mm512_set1_epi8(9);
  const auto other = _mm_set_epi64x(static_cast<std::int64_t>(_mm512_cmpgt_epu8_mask(digits1, nine)),
                                    static_cast<std::int64_t>(_mm512_cmpgt_epu8_mask(digits0, nine)));
  const auto second_point = _mm_and_si128(points, below);
  const auto wrong = _mm_or_si128(other, second_point);

  eight_numbers all;
  all.minus = _mm_test_epi16_mask(minus, minus);
  all.pointed = pointed;
  // A byte at the end that is neither the minus nor, alone, the point.
  const auto last = _mm_set1_epi16(static_cast<short>(0x8000));
  all.odd = static_cast<__mmask8>(_mm_testn_epi16_mask(bits, last) | _mm_test_epi16_mask(wrong, wrong) |
                                  (_mm_cmpeq_epi16_mask(bits, last) & _mm_test_epi16_mask(points, last)));
  if (inferred) {
    const auto zero = _mm_slli_epi16(_mm_and_si128(where(from, '0'), first_of(bits)), 1);
    const auto digit_behind_zero = _mm_and_si128(zero, _mm_andnot_si128(points, bits));
    const auto sixteen = _mm_and_si128(from.bits, _mm_set1_epi16(1));
    // .5, 5. and 5.0 are written otherwise.
    const auto lone_point = _mm_and_si128(points, _mm_or_si128(first_of(bits), last));
    const auto last_zero = _mm_maskz_mov_epi16(pointed, _mm_and_si128(where(from, '0'), last));
    const auto doubtful = _mm_or_si128(_mm_or_si128(digit_behind_zero, sixteen), _mm_or_si128(lone_point, last_zero));
    all.odd = static_cast<__mmask8>(all.odd | _mm_test_epi16_mask(doubtful, doubtful));
  }
  // A point at bit k of 16 has 15 - k digits behind it.
  all.behind = _mm256_sub_epi32(_mm256_lzcnt_epi32(_mm256_cvtepu16_epi32(points)), _mm256_set1_epi32(16));
  const auto order = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
  const auto eights = _mm512_permutex2var_epi64(eights_of(digits0), order, eights_of(digits1));
  all.digits =
      _mm512_add_epi64(_mm512_mul_epu32(eights, _mm512_set1_epi64(100'000'000)), _mm512_srli_epi64(eights, 32));
  // A number has no -0.
  if (inferred)
    all.odd =
        static_cast<__mmask8>(all.odd | (all.minus & _mm512_cmpeq_epi64_mask(all.digits, _mm512_setzero_si512())));
  return all;
}

/// See parse_double.
inline __mmask8 doubles(const eight_fields& from, bool inferred, double* out) {
  const auto read = numbers_of(from, inferred);
  static_assert(std::size(exact_powers_of_ten) >= 16);
  const auto powers = _mm512_loadu_pd(exact_powers_of_ten);
  const auto more_powers = _mm512_loadu_pd(exact_powers_of_ten + 8);
  // Only the four lowest bits choose: 16 is 0.
  const auto divisors = _mm512_permutex2var_pd(powers, _mm512_cvtepu32_epi64(read.behind), more_powers);
  const auto values = _mm512_div_pd(_mm512_cvtepi64_pd(read.digits), divisors);
  _mm512_storeu_pd(out, _mm512_mask_xor_pd(values, read.minus, values, _mm512_set1_pd(-0.0)));
  if (!inferred) return read.odd;
  // Small ones are written with an exponent.
  const auto small = _mm512_cmp_pd_mask(values, _mm512_set1_pd(1e-4), _CMP_LT_OQ);
  return static_cast<__mmask8>(read.odd | (small & _mm512_test_epi64_mask(read.digits, read.digits)));
}

/// See parse_integer.
inline __mmask8 integers(const eight_fields& from, bool inferred, std::int64_t* out) {
  const auto read = numbers_of(from, inferred);
  _mm512_storeu_si512(out, _mm512_mask_sub_epi64(read.digits, read.minus, _mm512_setzero_si512(), read.digits));
  return static_cast<__mmask8>(read.odd | read.pointed);
}

inline __m256i number(int value) { return _mm256_set1_epi32(value); }

/// YYYY-MM-DD of the years 1 to 9999. See parse_iso_date, and days_of for the arithmetic.
inline __mmask8 dates(const eight_fields& from, bool, std::int32_t* out) {
  constexpr short dashes = 0x2400;
  const auto bits = _mm_set1_epi16(static_cast<short>(0xFFC0));
  auto odd =
      static_cast<__mmask8>(_mm_cmpneq_epi16_mask(from.lengths, _mm_set1_epi16(10)) |
                            _mm_cmpneq_epi16_mask(_mm_and_si128(where(from, '-'), bits), _mm_set1_epi16(dashes)));
  // To YYYYMMDD, and that to words: hundreds of the year, the rest of it, month, day.
  const auto order = _mm512_broadcast_i32x4(_mm_setr_epi8(6, 7, 8, 9, 11, 12, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1));
  const auto zero = _mm512_set1_epi8('0');
  const auto digits0 = _mm512_shuffle_epi8(_mm512_sub_epi8(from.bytes[0], zero), order);
  const auto digits1 = _mm512_shuffle_epi8(_mm512_sub_epi8(from.bytes[1], zero), order);
  const auto digits = _mm512_permutex2var_epi64(digits0, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), digits1);
  odd = static_cast<__mmask8>(
      odd | _mm512_test_epi64_mask(_mm512_subs_epu8(digits, _mm512_set1_epi8(9)), _mm512_set1_epi8(-1)));
  const auto words = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010A));
  const auto word = [&](int number) {
    return _mm512_cvtepi64_epi32(
        _mm512_and_si512(_mm512_srli_epi64(words, static_cast<unsigned>(16 * number)), _mm512_set1_epi64(0xFFFF)));
  };
  const auto hundreds = word(0);
  const auto rest = word(1);
  const auto month = word(2);
  const auto day = word(3);
  const auto year = _mm256_add_epi32(_mm256_mullo_epi32(hundreds, number(100)), rest);
  // February has 28 days, or 29; the others 30, or 31.
  const auto fours = _mm256_blendv_epi8(rest, hundreds, _mm256_cmpeq_epi32(rest, number(0)));
  const auto leap = _mm256_andnot_si256(_mm256_min_epu32(_mm256_and_si256(fours, number(3)), number(1)), number(1));
  const auto february = _mm256_cmpeq_epi32_mask(month, number(2));
  const auto longer = _mm256_and_si256(_mm256_add_epi32(month, _mm256_srli_epi32(month, 3)), number(1));
  auto days_in_month = _mm256_add_epi32(number(30), longer);
  days_in_month = _mm256_mask_add_epi32(days_in_month, february, number(28), leap);
  odd = static_cast<__mmask8>(odd | _mm256_cmpge_epu32_mask(_mm256_sub_epi32(month, number(1)), number(12)) |
                              _mm256_cmpge_epu32_mask(_mm256_sub_epi32(day, number(1)), days_in_month) |
                              _mm256_cmpeq_epi32_mask(year, number(0)));
  // Years begin with March, so that the leap day is their last.
  const auto early = _mm256_cmple_epi32_mask(month, number(2));
  const auto from_march = _mm256_mask_add_epi32(_mm256_sub_epi32(month, number(3)), early, month, number(9));
  const auto years = _mm256_mask_sub_epi32(year, early, year, number(1));
  const auto centuries = _mm256_srli_epi32(_mm256_mullo_epi32(years, number(5243)), 19);  // exact below 43,699
  const auto before = _mm256_srli_epi32(
      _mm256_mullo_epi32(_mm256_add_epi32(_mm256_mullo_epi32(from_march, number(153)), number(2)), number(52429)), 18);
  auto days = _mm256_add_epi32(_mm256_mullo_epi32(years, number(365)), _mm256_srli_epi32(years, 2));
  days = _mm256_add_epi32(_mm256_sub_epi32(days, centuries), _mm256_srli_epi32(centuries, 2));
  days = _mm256_add_epi32(_mm256_add_epi32(days, before), day);
  constexpr int epoch = 719468 + 1;  // days from 0000-03-01 to 1970-01-01, and the day itself
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_sub_epi32(days, number(epoch)));
  return odd;
}

template <class Value, class Read>
inline std::int64_t read_groups(const record_block& in, int field, bool inferred, Value* out,
                                std::vector<std::uint32_t>& odd, Read read) {
  const auto* const ends = in.ends + field;
  std::int64_t row = 0;
  for (; row + group <= in.rows; row += group) {
    for (unsigned left = read(load(in.data, ends, in.first + row), inferred, out + row); left != 0; left &= left - 1)
      odd.push_back(static_cast<std::uint32_t>(row) + static_cast<std::uint32_t>(__builtin_ctz(left)));
  }
  return row;
}

[[gnu::flatten]] std::int64_t doubles_avx512(const record_block& in, int field, bool inferred, double* out,
                                             std::vector<std::uint32_t>& odd) {
  return read_groups(in, field, inferred, out, odd, doubles);
}
[[gnu::flatten]] std::int64_t integers_avx512(const record_block& in, int field, bool inferred, std::int64_t* out,
                                              std::vector<std::uint32_t>& odd) {
  return read_groups(in, field, inferred, out, odd, integers);
}
[[gnu::flatten]] std::int64_t dates_avx512(const record_block& in, int field, bool inferred, std::int32_t* out,
                                           std::vector<std::uint32_t>& odd) {
  return read_groups(in, field, inferred, out, odd, dates);
}

}  // namespace

}  // namespace sluice::csv

#pragma GCC diagnostic pop
#pragma GCC pop_options

namespace sluice::csv {

read_wide<double> wide_doubles(simd_level level) { return level == simd_level::avx512 ? doubles_avx512 : nullptr; }
read_wide<std::int64_t> wide_integers(simd_level level) {
  return level == simd_level::avx512 ? integers_avx512 : nullptr;
}
read_wide<std::int32_t> wide_dates(simd_level level) { return level == simd_level::avx512 ? dates_avx512 : nullptr; }

}  // namespace sluice::csv
