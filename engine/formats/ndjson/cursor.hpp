#pragma once

#include "engine/formats/csv/parse.hpp"

#include <smmintrin.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// Reading of JSON text (RFC 8259), one record a line. A cursor is a pointer into text that ends in a newline: as no
/// token holds a raw newline, every function stops there and none needs to know the end. The text must have
/// `padding` readable bytes behind it.
namespace sluice::ndjson {

inline constexpr std::int64_t padding = 64;
inline constexpr int deepest_nesting = 256;

/// SLUICE_SIMD=scalar: everything below reads byte by byte. The tests compare both ways.
extern const bool scalar_only;

inline const char* skip_blanks(const char* at) {
  // Mostly there is none: one comparison says so.
  while (static_cast<unsigned char>(*at) <= ' ' && (*at == ' ' || *at == '\t' || *at == '\r')) ++at;
  return at;
}

/// The scalar twin of plain_run.
int plain_run_scalar(__m128i bytes);

/// Index of the first byte of 16 that ends a run of plain characters (quote, backslash, control); 16: none does.
inline int plain_run(__m128i bytes) {
  if (scalar_only) [[unlikely]]
    return plain_run_scalar(bytes);
  const auto quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const auto escape = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const auto control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const int stops = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, escape), control));
  return stops == 0 ? 16 : __builtin_ctz(static_cast<unsigned>(stops));
}

/// From behind the opening quote to the next quote, backslash or control character.
inline const char* skip_plain(const char* at) {
  for (;;) {
    const int run = plain_run(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
    at += run;
    if (run < 16) return at;
  }
}

namespace detail {
/// From byte n on: a shuffle that moves the first n bytes of 16 to their end, zeros before them.
alignas(64) inline constexpr auto move_to_end = [] {
  std::array<std::uint8_t, 32> order{};
  for (std::size_t i = 0; i < 32; ++i) order[i] = static_cast<std::uint8_t>(i < 16 ? 0x80 : i - 16);
  return order;
}();
}  // namespace detail

/// A number as it stands in the text.
struct number {
  const char* begin = nullptr;
  const char* end = nullptr;
  std::uint64_t digits = 0;  ///< all of them as one integer, right where `exact`
  int exponent = 0;          ///< value = digits * 10^exponent
  bool negative = false;
  bool whole = true;  ///< written without point and exponent
  bool exact = true;  ///< digits fit into 64 bits

  [[nodiscard]] std::string_view text() const { return {begin, static_cast<std::size_t>(end - begin)}; }
};

/// Reads a number at `at`, in any form, byte by byte; null where there is none.
const char* read_any_number(const char* at, number& out);

/// Where a plain number ends: digits, at most one point among them, 15 bytes at most, without exponent.
struct number_shape {
  int length = 0;  ///< 0: it has another form, or is none
  int behind = 0;  ///< digits behind the point
  bool whole = true;
};
/// Measures the number behind the sign, 16 bytes of which are `values` less '0'.
[[gnu::always_inline]] inline number_shape measure(const char* first, __m128i values) {
  const auto digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
  auto stops = ~static_cast<unsigned>(_mm_movemask_epi8(digits));  // bits above 15 are set
  const int before = __builtin_ctz(stops);
  number_shape shape{.length = before};
  if (first[before] == '.') {
    stops &= stops - 1;
    shape.length = __builtin_ctz(stops);
    shape.behind = shape.length - before - 1;
    shape.whole = false;
  }
  const bool plain = before > 0 && shape.length < 16 && (shape.whole || shape.behind > 0) &&
                     !(before > 1 && *first == '0') && (first[shape.length] | 0x20) != 'e';
  if (!plain) shape.length = 0;
  return shape;
}
[[gnu::always_inline]] inline __m128i digit_values(const char* first) {
  return _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first)), _mm_set1_epi8('0'));
}

/// The number that 16 digit values make, of which the first `length` count and the point has `behind` behind it.
[[gnu::always_inline]] inline std::uint64_t plain_digits(__m128i values, const number_shape& shape) {
  // Moves the digits to the end, zeros before them; then those in front of the point close ranks with the others.
  values = _mm_shuffle_epi8(
      values, _mm_loadu_si128(reinterpret_cast<const __m128i*>(detail::move_to_end.data() + shape.length)));
  if (!shape.whole) {
    const auto point = static_cast<std::size_t>(15 - shape.behind);
    values = _mm_shuffle_epi8(values,
                              _mm_load_si128(reinterpret_cast<const __m128i*>(csv::detail::close_ranks[point].data())));
  }
  return csv::detail::number_of(values);
}

/// Reads a number at `at`; null where there is none.
[[gnu::always_inline]] inline const char* read_number(const char* at, number& out) {
  if (scalar_only) [[unlikely]]
    return read_any_number(at, out);
  const bool negative = *at == '-';
  const char* const first = at + (negative ? 1 : 0);
  const auto values = digit_values(first);
  const auto shape = measure(first, values);
  if (shape.length == 0) return read_any_number(at, out);
  out = {.begin = at,
         .end = first + shape.length,
         .digits = plain_digits(values, shape),
         .exponent = -shape.behind,
         .negative = negative,
         .whole = shape.whole};
  return out.end;
}
/// Passes over a number; null where there is none.
[[gnu::always_inline]] inline const char* skip_number(const char* at) {
  if (!scalar_only) [[likely]] {
    const char* const first = at + (*at == '-' ? 1 : 0);
    const auto shape = measure(first, digit_values(first));
    if (shape.length > 0) return first + shape.length;
  }
  number ignored;
  return read_any_number(at, ignored);
}
/// The nearest double; infinite where it is too large for one.
double to_double(const number& value);
/// The nearest float, rounded once; infinite where it is too large for one.
float to_float(const number& value);
/// Decimal digits that name any double.
constexpr int digits_of_double = 17;
/// Those of the text without its exponent, zeros at both ends left out.
int significant_digits(const number& value);
/// True for a number that a double does not keep: a whole one that none is equal to, and any other of more than 17
/// significant digits. Where types are inferred, its digits must not get lost.
inline bool beyond_double(const number& value) {
  if (value.whole)
    return !value.exact || static_cast<std::uint64_t>(static_cast<double>(value.digits)) != value.digits;
  return value.end - value.begin > digits_of_double + 1 && significant_digits(value) > digits_of_double;
}

/// Reads an escape sequence at its backslash, gives its bytes as UTF-8 (at most 4, their count in `length`); null where
/// it is none.
const char* read_escape(const char* at, char* out, int& length);
/// Passes over a string from behind its opening quote to behind its closing one; null where it is none.
const char* skip_string(const char* at);
/// Reads one into `out` (cleared before), escapes resolved; null where it is none.
const char* read_string(const char* at, std::string& out);
/// Passes over any value, checking it; null where it is none. `depth` counts what encloses it.
const char* skip_value(const char* at, int depth);

/// Whether more objects and lists than can be read stand within each other in a line.
bool nested_too_deep(std::string_view line);

/// The same, the two most frequent kinds without a call.
[[gnu::always_inline]] inline const char* skip_plain_value(const char* at, int depth) {
  if (*at == '"') {
    const char* const stop = skip_plain(at + 1);
    return *stop == '"' ? stop + 1 : skip_string(at + 1);
  }
  if (*at == '-' || (*at >= '0' && *at <= '9')) return skip_number(at);
  return skip_value(at, depth);
}

/// The end of the line: its newline.
const char* line_end(const char* at);

}  // namespace sluice::ndjson
