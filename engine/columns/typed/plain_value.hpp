#pragma once

#include "engine/values/powers_of_ten.hpp"

#include <smmintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

/// Parsers of single fields for the hot path: branch-poor, SSE4.1 (every x86-64-v2 machine has it). They read up to 16
/// bytes in front of and behind a field: buffers keep that room. False means "not in the plain form": the slow path
/// looks.
namespace sluice::typed {

namespace detail {

/// mask + length: 16 bytes of which the last `length` are ones.
alignas(64) inline constexpr auto tail_mask = [] {
  std::array<std::uint8_t, 48> bytes{};
  for (int i = 16; i < 32; ++i) bytes[static_cast<std::size_t>(i)] = 0xFF;
  return bytes;
}();

/// For a point at byte i: moves the bytes before it one up, so that the digits close ranks; the first becomes zero.
alignas(64) inline constexpr auto close_ranks = [] {
  std::array<std::array<std::uint8_t, 16>, 16> all{};
  for (std::size_t point = 0; point < 16; ++point) {
    for (std::size_t i = 0; i < 16; ++i)
      all[point][i] = static_cast<std::uint8_t>(i > point ? i : i == 0 ? 0x80 : i - 1);
  }
  return all;
}();

/// The number that 16 digit values (0 to 9, highest first) make.
[[gnu::always_inline]] inline std::uint64_t number_of(__m128i digits) {
  const auto pairs = _mm_maddubs_epi16(digits, _mm_set_epi8(1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10));
  const auto fours = _mm_madd_epi16(pairs, _mm_set_epi16(1, 100, 1, 100, 1, 100, 1, 100));
  const auto packed = _mm_packus_epi32(fours, fours);
  const auto eights = _mm_madd_epi16(packed, _mm_set_epi16(1, 10000, 1, 10000, 1, 10000, 1, 10000));
  const auto both = static_cast<std::uint64_t>(_mm_cvtsi128_si64(eights));
  return (both & 0xFFFFFFFF) * 100'000'000 + (both >> 32);
}

inline bool all_digits(__m128i values) {
  const auto above = _mm_subs_epu8(values, _mm_set1_epi8(9));
  return _mm_testz_si128(above, above) != 0;
}

[[gnu::always_inline]] inline __m128i load_tail(const std::uint8_t* end, std::size_t length) {
  const auto mask = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tail_mask.data() + length));
  const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(end - 16));
  return _mm_and_si128(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), mask);
}

}  // namespace detail

/// Reads 1 to 16 digits.
[[gnu::always_inline]] inline bool parse_digits(const std::uint8_t* begin, std::size_t length, std::uint64_t& out) {
  if (length - 1 > 15) return false;
  const auto values = detail::load_tail(begin + length, length);
  if (!detail::all_digits(values)) return false;
  out = detail::number_of(values);
  return true;
}

/// True for 007 and 00.5, which are no numbers to whoever wrote them.
[[gnu::always_inline]] inline bool has_leading_zero(const std::uint8_t* begin, std::size_t length) {
  return length > 1 && begin[0] == '0' && static_cast<std::uint8_t>(begin[1] - '0') <= 9;
}

/// Reads an optional minus and 1 to 16 digits.
[[gnu::always_inline]] inline bool parse_integer(const std::uint8_t* begin, std::size_t length, std::int64_t& out) {
  const std::size_t negative = *begin == '-' ? 1 : 0;
  std::uint64_t digits = 0;
  if (!parse_digits(begin + negative, length - negative, digits)) return false;
  const auto sign = -static_cast<std::int64_t>(negative);
  out = (static_cast<std::int64_t>(digits) ^ sign) - sign;
  return true;
}

/// Reads digits with at most one point among them, at most 16 bytes in all: the digits without the point, and how many
/// stand behind it.
[[gnu::always_inline]] inline bool parse_pointed(const std::uint8_t* begin, std::size_t length, std::uint64_t& out,
                                                 unsigned& behind) {
  if (length - 1 > 15) return false;
  auto values = detail::load_tail(begin + length, length);
  const auto points =
      static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(values, _mm_set1_epi8(static_cast<char>('.' - '0')))));
  behind = 0;
  if (points != 0) {
    if ((points & (points - 1)) != 0 || length == 1) return false;
    const auto point = static_cast<unsigned>(__builtin_ctz(points));
    behind = 15 - point;
    values =
        _mm_shuffle_epi8(values, _mm_load_si128(reinterpret_cast<const __m128i*>(detail::close_ranks[point].data())));
  }
  if (!detail::all_digits(values)) return false;
  out = detail::number_of(values);
  return true;
}

/// Reads what parse_pointed reads, with an optional minus, as the nearest double. At most 15 digits with a point: both
/// they and the power of ten are exact, so that one division rounds correctly (Clinger 1990).
[[gnu::always_inline]] inline bool parse_double(const std::uint8_t* begin, std::size_t length, double& out) {
  const std::size_t negative = *begin == '-' ? 1 : 0;
  std::uint64_t digits = 0;
  unsigned behind = 0;
  if (!parse_pointed(begin + negative, length - negative, digits, behind)) return false;
  const auto value = static_cast<double>(static_cast<std::int64_t>(digits)) / exact_powers_of_ten[behind];
  out = negative != 0 ? -value : value;
  return true;
}

/// Days from 1970-01-01 of a date in the proleptic Gregorian calendar (Hinnant, days_from_civil).
constexpr std::int32_t days_of(int year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<std::int32_t>(day_of_era) - 719468;
}

constexpr unsigned days_in_month(int year, unsigned month) {
  if (month != 2) return 30 + ((month + (month >> 3)) & 1);
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
}

namespace detail {

/// Days before each year from 1900 to 2155, and before each month of a year, leap years last.
inline constexpr int first_table_year = 1900;
inline constexpr auto days_before_year = [] {
  std::array<std::int32_t, 256> all{};
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = days_of(first_table_year + i, 1, 1);
  return all;
}();
inline constexpr auto days_before_month = [] {
  std::array<std::array<std::uint16_t, 16>, 2> all{};
  for (int leap = 0; leap < 2; ++leap) {
    for (unsigned month = 1; month <= 12; ++month) {
      const int year = leap != 0 ? 2000 : 2001;
      all[static_cast<std::size_t>(leap)][month] =
          static_cast<std::uint16_t>(days_of(year, month, 1) - days_of(year, 1, 1));
    }
  }
  return all;
}();

}  // namespace detail

/// Reads YYYY-MM-DD, a date that exists, from the first 10 bytes.
[[gnu::always_inline]] inline bool parse_iso_date(const std::uint8_t* begin, std::int32_t& out) {
  const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin));
  const auto dashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
  if ((_mm_movemask_epi8(dashes) & 0x3FF) != 0x90) return false;
  const auto order = _mm_setr_epi8(0, 1, 2, 3, 5, 6, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1);
  const auto values = _mm_shuffle_epi8(_mm_sub_epi8(bytes, _mm_set1_epi8('0')), order);
  if (!detail::all_digits(values)) return false;
  const auto pairs = _mm_maddubs_epi16(values, _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  const auto packed = static_cast<std::uint64_t>(_mm_cvtsi128_si64(pairs));
  const int year = static_cast<int>(packed & 0xFFFF) * 100 + static_cast<int>((packed >> 16) & 0xFFFF);
  const auto month = static_cast<unsigned>((packed >> 32) & 0xFFFF);
  const auto day = static_cast<unsigned>(packed >> 48);
  if (month - 1 > 11 || day - 1 > 27) {
    if (month - 1 > 11 || day == 0 || day > days_in_month(year, month)) return false;
  }
  const auto table = static_cast<unsigned>(year - detail::first_table_year);
  if (table < detail::days_before_year.size()) [[likely]] {
    const bool leap = (year & 3) == 0 && year != 1900 && year != 2100;
    out = detail::days_before_year[table] + detail::days_before_month[leap ? 1 : 0][month] +
          static_cast<std::int32_t>(day) - 1;
  } else {
    if (year == 0) return false;  // there is none, in PostgreSQL and elsewhere
    out = days_of(year, month, day);
  }
  return true;
}

/// Reads "YYYY-MM-DD HH:MM:SS" of 19 bytes.
inline bool parse_plain_moment(const std::uint8_t* begin, std::int64_t& out) {
  std::int32_t days = 0;
  if (!parse_iso_date(begin, days)) return false;
  const auto pair = [&](int at) { return (begin[at] - '0') * 10 + (begin[at + 1] - '0'); };
  std::uint8_t odd = 0;
  for (const int at : {11, 12, 14, 15, 17, 18}) odd |= static_cast<std::uint8_t>(begin[at] - '0') > 9;
  odd |= (begin[10] != ' ' && begin[10] != 'T') || begin[13] != ':' || begin[16] != ':';
  const int hour = pair(11);
  const int minute = pair(14);
  const int second = pair(17);
  if (odd != 0 || hour > 23 || minute > 59 || second > 59) return false;
  out = (std::int64_t{days} * 86'400 + hour * 3600 + minute * 60 + second) * 1'000'000;
  return true;
}

}  // namespace sluice::typed
