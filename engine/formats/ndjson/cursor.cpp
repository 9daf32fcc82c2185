#include "engine/formats/ndjson/cursor.hpp"

#include "engine/formats/csv/record_index.hpp"
#include "engine/values/powers_of_ten.hpp"

#include <fast_float/fast_float.h>

#include <cstring>
#include <utility>

namespace sluice::ndjson {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Four hexadecimal digits; -1 where they aren't.
int read_hex(const char* at) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

int write_utf8(char* out, int code) {
  const auto put = [&](int i, int byte) { out[i] = static_cast<char>(byte); };
  if (code < 0x80) return put(0, code), 1;
  if (code < 0x800) return put(0, 0xc0 | code >> 6), put(1, 0x80 | (code & 63)), 2;
  if (code < 0x10000) return put(0, 0xe0 | code >> 12), put(1, 0x80 | (code >> 6 & 63)), put(2, 0x80 | (code & 63)), 3;
  return put(0, 0xf0 | code >> 18), put(1, 0x80 | (code >> 12 & 63)), put(2, 0x80 | (code >> 6 & 63)),
         put(3, 0x80 | (code & 63)), 4;
}

const char* read_unicode(const char* at, char* out, int& length) {
  int code = read_hex(at + 2);
  if (code < 0) return nullptr;
  at += 6;
  if (code >= 0xdc00 && code < 0xe000) return nullptr;
  if (code >= 0xd800 && code < 0xdc00) {
    // The first half of a pair; the second must follow.
    const int low = at[0] == '\\' && at[1] == 'u' ? read_hex(at + 2) : -1;
    if (low < 0xdc00 || low >= 0xe000) return nullptr;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    at += 6;
  }
  length = write_utf8(out, code);
  return at;
}

const char* skip_literal(const char* at, const char* literal) {
  const auto length = std::strlen(literal);
  return std::strncmp(at, literal, length) == 0 ? at + length : nullptr;
}

const char* skip_array(const char* at, int depth) {
  at = skip_blanks(at + 1);
  if (*at == ']') return at + 1;
  for (;;) {
    at = skip_value(at, depth + 1);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    if (*at == ']') return at + 1;
    if (*at != ',') return nullptr;
    at = skip_blanks(at + 1);
  }
}

const char* skip_object(const char* at, int depth) {
  at = skip_blanks(at + 1);
  if (*at == '}') return at + 1;
  for (;;) {
    if (*at != '"') return nullptr;
    at = skip_string(at + 1);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    if (*at != ':') return nullptr;
    at = skip_value(skip_blanks(at + 1), depth + 1);
    if (at == nullptr) return nullptr;
    at = skip_blanks(at);
    if (*at == '}') return at + 1;
    if (*at != ',') return nullptr;
    at = skip_blanks(at + 1);
  }
}

}  // namespace

const bool scalar_only = csv::best_simd_level() == csv::simd_level::scalar;

int plain_run_scalar(__m128i bytes) {
  unsigned char each[16];
  std::memcpy(each, &bytes, sizeof each);
  int run = 0;
  while (run < 16 && each[run] != '"' && each[run] != '\\' && each[run] >= 0x20) ++run;
  return run;
}

const char* read_any_number(const char* at, number& out) {
  out = number{};
  out.begin = at;
  out.negative = *at == '-';
  at += out.negative ? 1 : 0;
  const char* first = at;
  std::uint64_t digits = 0;
  while (is_digit(*at)) digits = digits * 10 + static_cast<std::uint64_t>(*at++ - '0');
  auto count = at - first;
  if (count == 0 || (count > 1 && *first == '0')) return nullptr;
  if (*at == '.') {
    const char* point = at++;
    while (is_digit(*at)) digits = digits * 10 + static_cast<std::uint64_t>(*at++ - '0');
    if (at == point + 1) return nullptr;
    out.whole = false;
    out.exponent = static_cast<int>(point + 1 - at);
    count += at - point - 1;
  }
  if (*at == 'e' || *at == 'E') {
    ++at;
    const bool down = *at == '-';
    if (*at == '-' || *at == '+') ++at;
    const char* begin = at;
    int exponent = 0;
    // Beyond this many every value is 0 or infinite; digits go on being read.
    while (is_digit(*at)) exponent = exponent < 100'000 ? exponent * 10 + (*at++ - '0') : (++at, exponent);
    if (at == begin) return nullptr;
    out.whole = false;
    out.exponent += down ? -exponent : exponent;
  }
  out.digits = digits;
  // 20 digits may fit as well: the caller of a whole number that has 20 looks at its text.
  out.exact = count <= 19;
  out.end = at;
  return at;
}

int significant_digits(const number& value) {
  int digits = 0;
  int zeros = 0;  // behind them so far
  for (const char* at = value.begin; at != value.end && *at != 'e' && *at != 'E'; ++at) {
    if (!is_digit(*at)) continue;
    if (*at != '0') digits += std::exchange(zeros, 0) + 1;
    if (*at == '0' && digits > 0) ++zeros;
  }
  return digits;
}

double to_double(const number& value) {
  constexpr std::uint64_t exact_integer = std::uint64_t{1} << 53;
  if (value.exact && value.digits <= exact_integer && value.exponent >= -22 && value.exponent <= 22) {
    // Both are exact doubles, so that one operation rounds once (Clinger 1990).
    auto result = static_cast<double>(value.digits);
    result = value.exponent < 0 ? result / exact_powers_of_ten[-value.exponent]
                                : result * exact_powers_of_ten[value.exponent];
    return value.negative ? -result : result;
  }
  // Rounds once; too large gives infinity, too small zero.
  double result = 0;
  fast_float::from_chars(value.begin, value.end, result);
  return result;
}

float to_float(const number& value) {
  // By way of a double it would be rounded twice.
  float result = 0;
  fast_float::from_chars(value.begin, value.end, result);
  return result;
}

const char* read_escape(const char* at, char* out, int& length) {
  length = 1;
  switch (at[1]) {
    case '"':
      *out = '"';
      break;
    case '\\':
      *out = '\\';
      break;
    case '/':
      *out = '/';
      break;
    case 'b':
      *out = '\b';
      break;
    case 'f':
      *out = '\f';
      break;
    case 'n':
      *out = '\n';
      break;
    case 'r':
      *out = '\r';
      break;
    case 't':
      *out = '\t';
      break;
    case 'u':
      return read_unicode(at, out, length);
    default:
      return nullptr;
  }
  return at + 2;
}

const char* skip_string(const char* at) {
  char bytes[4];
  int length = 0;
  for (;;) {
    at = skip_plain(at);
    if (*at == '"') return at + 1;
    if (*at != '\\') return nullptr;
    at = read_escape(at, bytes, length);
    if (at == nullptr) return nullptr;
  }
}

const char* read_string(const char* at, std::string& out) {
  out.clear();
  char bytes[4];
  int length = 0;
  for (;;) {
    const char* stop = skip_plain(at);
    out.append(at, stop);
    if (*stop == '"') return stop + 1;
    if (*stop != '\\') return nullptr;
    at = read_escape(stop, bytes, length);
    if (at == nullptr) return nullptr;
    out.append(bytes, static_cast<std::size_t>(length));
  }
}

bool nested_too_deep(std::string_view line) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quoted) {
      if (c == '\\') ++at;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest_nesting) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

const char* skip_value(const char* at, int depth) {
  if (depth > deepest_nesting) return nullptr;
  switch (*at) {
    case '"':
      return skip_string(at + 1);
    case '{':
      return skip_object(at, depth);
    case '[':
      return skip_array(at, depth);
    case 't':
      return skip_literal(at, "true");
    case 'f':
      return skip_literal(at, "false");
    case 'n':
      return skip_literal(at, "null");
    default:
      return skip_number(at);
  }
}

const char* line_end(const char* at) {
  while (*at != '\n') ++at;
  return at;
}

}  // namespace sluice::ndjson
