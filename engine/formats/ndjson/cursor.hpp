#pragma once

#include <emmintrin.h>

#include <cstdint>
#include <string>
#include <string_view>

/// Reading of JSON text (RFC 8259), one record a line. A cursor is a pointer into text that ends in a newline: as no
/// token holds a raw newline, every function stops there and none needs to know the end. The text must have
/// `padding` readable bytes behind it.
namespace sluice::ndjson {

inline constexpr std::int64_t padding = 64;
inline constexpr int deepest_nesting = 256;

inline const char* skip_blanks(const char* at) {
  while (*at == ' ' || *at == '\t' || *at == '\r') ++at;
  return at;
}

/// Index of the first byte of 16 that ends a run of plain characters (quote, backslash, control); 16: none does.
inline int plain_run(__m128i bytes) {
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

/// Reads a number at `at`; null where there is none.
const char* read_number(const char* at, number& out);
/// The nearest double; infinite where it is too large for one.
double to_double(const number& value);

/// Reads an escape sequence at its backslash, gives its bytes as UTF-8 (at most 4, their count in `length`); null where
/// it is none.
const char* read_escape(const char* at, char* out, int& length);
/// Passes over a string from behind its opening quote to behind its closing one; null where it is none.
const char* skip_string(const char* at);
/// Reads one into `out` (cleared before), escapes resolved; null where it is none.
const char* read_string(const char* at, std::string& out);
/// Passes over any value, checking it; null where it is none. `depth` counts what encloses it.
const char* skip_value(const char* at, int depth);

/// The end of the line: its newline.
const char* line_end(const char* at);

}  // namespace sluice::ndjson
