// Intervals out of text, as PostgreSQL reads them (IntervalStyle postgres).
#include "engine/values/calendar.hpp"
#include "engine/values/interval_parts.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace sluice {

namespace {

using namespace interval_parts;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Digits with one point at most; malformed where there is neither digit nor point.
parsed take_number(std::string_view& text, bool negative, number& out) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  const auto whole = text.substr(0, end);
  text.remove_prefix(end);
  std::string_view fraction;
  if (text.starts_with('.')) {
    end = 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    fraction = text.substr(0, end);
    text.remove_prefix(end);
  }
  if (whole.empty() && fraction.size() < 2) return parsed::malformed;
  out = {};
  if (!whole.empty() && std::from_chars(whole.data(), whole.data() + whole.size(), out.whole).ec != std::errc())
    return parsed::out_of_range;
  if (fraction.size() > 1) std::from_chars(fraction.data(), fraction.data() + fraction.size(), out.fraction);
  if (negative) out = {-out.whole, -out.fraction};
  return parsed::good;
}

// One field: a number, a time such as 04:05:06.7, years and months such as 1-2, or a word.
struct field {
  enum class kind { number, time, years_months, word } what = kind::number;
  number count = {};              ///< of a number
  std::int64_t microseconds = 0;  ///< of a time
  std::int64_t months = 0;
  unit named = unit::none;
};

bool take_small(std::string_view& text, int least_digits, std::int64_t& out) {
  int digits = 0;
  for (out = 0; digits < 2 && !text.empty() && is_digit(text.front()); ++digits, text.remove_prefix(1))
    out = out * 10 + (text.front() - '0');
  return digits >= least_digits && (text.empty() || !is_digit(text.front()));
}

// What stands behind the hours: :05, :05:06 or :05:06.7.
parsed take_time(std::string_view& text, std::int64_t hours, bool negative, std::int64_t& out) {
  text.remove_prefix(1);
  std::int64_t minutes = 0, seconds = 0;
  double fraction = 0;
  if (!take_small(text, 1, minutes)) return parsed::malformed;
  const auto take_fraction = [&] {
    if (!text.starts_with('.')) return;
    number part;
    if (take_number(text, false, part) == parsed::good)
      fraction = part.fraction;
    else
      text.remove_prefix(1);  // a point alone
  };
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    if (!take_small(text, 1, seconds)) return parsed::malformed;
    take_fraction();
  } else if (text.starts_with('.')) {  // minutes and seconds
    seconds = minutes;
    minutes = hours;
    hours = 0;
    take_fraction();
  }
  if (minutes > 59 || seconds > 60) return parsed::out_of_range;
  const auto rest = (minutes * 60 + seconds) * microseconds_per_second +
                    static_cast<std::int64_t>(std::rint(fraction * static_cast<double>(microseconds_per_second)));
  if (__builtin_mul_overflow(hours, 3600 * microseconds_per_second, &out) || __builtin_add_overflow(out, rest, &out))
    return parsed::out_of_range;
  if (negative) out = -out;
  return parsed::good;
}

parsed take_field(std::string_view& text, field& out) {
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') {
    text.remove_prefix(1);
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (text.empty() || !is_digit(text.front())) return parsed::malformed;
  }
  const auto has_whole = !text.empty() && is_digit(text.front());
  if (const auto outcome = take_number(text, negative, out.count); outcome != parsed::good) return outcome;
  if (!has_whole || text.empty() || out.count.fraction != 0) return parsed::good;
  if (text.front() == '-' && (text.size() < 2 || !is_digit(text[1]))) return parsed::malformed;
  if (text.front() == ':') {
    out.what = field::kind::time;
    return take_time(text, std::abs(out.count.whole), negative, out.microseconds);
  }
  if (text.front() != '-') return parsed::good;
  text.remove_prefix(1);
  std::int64_t months = 0;
  if (!take_small(text, 1, months)) return parsed::malformed;
  out.what = field::kind::years_months;
  if (months > 11 || __builtin_mul_overflow(out.count.whole, 12, &out.months)) return parsed::out_of_range;
  out.months += negative ? -months : months;
  return parsed::good;
}

// A number stands directly behind few words ("1d2h"), a sign or point behind none.
bool is_glued(std::string_view word, std::string_view rest) {
  if (rest.empty()) return false;
  constexpr std::array before_digits = {std::string_view("d"),  std::string_view("h"), std::string_view("m"),
                                        std::string_view("s"),  std::string_view("y"), std::string_view("mon"),
                                        std::string_view("dec")};
  const bool may = std::find(before_digits.begin(), before_digits.end(), word) != before_digits.end();
  return rest.front() == '-' || rest.front() == '+' || rest.front() == '.' || (is_digit(rest.front()) && !may);
}

unit take_word(std::string_view& text) {
  std::string word;
  for (; !text.empty() && is_letter(text.front()); text.remove_prefix(1))
    word += static_cast<char>(text.front() | 0x20);
  return is_glued(word, text) ? unit::none : unit_named(word);
}

parsed read_fields(std::string_view text, std::vector<field>& out) {
  while (!text.empty()) {
    if (is_blank(text.front()) || text.front() == ',') {
      text.remove_prefix(1);
    } else if (text.front() == '@' && out.empty()) {
      text.remove_prefix(1);
    } else if (is_letter(text.front())) {
      const auto named = take_word(text);
      if (named == unit::none) return parsed::malformed;
      out.push_back({.what = field::kind::word, .named = named});
    } else {
      if (const auto outcome = take_field(text, out.emplace_back()); outcome != parsed::good) return outcome;
      if (text.starts_with('-') || text.starts_with('+')) return parsed::malformed;
    }
  }
  return out.empty() ? parsed::malformed : parsed::good;
}

// Bits of units that may not come twice. A time is hours, minutes and seconds; parts of a second are the smaller units.
constexpr unsigned bit(unit of) { return 1U << static_cast<unsigned>(of); }
constexpr unsigned all_seconds = bit(unit::second) | bit(unit::millisecond) | bit(unit::microsecond);
constexpr unsigned whole_time = all_seconds | bit(unit::minute) | bit(unit::hour);

unsigned bits_of(unit what, const number& count) {
  return what == unit::second && count.fraction != 0 ? all_seconds : bit(what);
}

// Reads from the right, where a word says the unit of the number before it.
parsed sum_up(const std::vector<field>& fields, interval_value& out) {
  parts sum;
  unsigned seen = 0;
  auto next = unit::second;  // of a number without a word
  bool ago = false, word_waits = false;
  for (auto one = fields.rbegin(); one != fields.rend(); ++one) {
    unsigned bits = 0;
    bool fits = true;
    switch (one->what) {
      case field::kind::word:
        if (word_waits || (one->named == unit::ago && one != fields.rbegin())) return parsed::malformed;
        if (one->named == unit::ago) {
          ago = true;
          next = unit::none;
          continue;
        }
        next = one->named;
        word_waits = true;
        continue;
      case field::kind::time:
        // PostgreSQL loses fractions that have already made a time: there they are refused.
        if (sum.has_time()) return parsed::malformed;
        bits = whole_time;
        fits = sum.add_microseconds(one->microseconds);
        next = unit::day;
        break;
      case field::kind::years_months:
        bits = bit(unit::month);
        fits = sum.add(unit::month, {.whole = one->months});
        next = unit::none;
        break;
      case field::kind::number:
        if (next == unit::none) return parsed::malformed;
        bits = bits_of(next, one->count);
        fits = sum.add(next, one->count);
        next = unit::none;
        break;
    }
    if (word_waits && one->what != field::kind::number) return parsed::malformed;
    word_waits = false;
    if ((seen & bits) != 0) return parsed::malformed;
    if (!fits) return parsed::out_of_range;
    seen |= bits;
  }
  return word_waits || seen == 0 ? parsed::malformed : sum.store(out, ago);
}

// P1Y2M3DT4H5M6S
parsed parse_iso(std::string_view text, interval_value& out) {
  parts sum;
  bool time = false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text.front() == 'T') {
      if (time) return parsed::malformed;
      time = true;
      text.remove_prefix(1);
      continue;
    }
    const bool negative = text.front() == '-';
    if (negative) text.remove_prefix(1);
    number count;
    if (const auto outcome = take_number(text, negative, count); outcome != parsed::good) return outcome;
    if (text.empty()) return parsed::malformed;
    const auto named = [&] {
      switch (text.front()) {
        case 'Y':
          return time ? unit::none : unit::year;
        case 'M':
          return time ? unit::minute : unit::month;
        case 'W':
          return time ? unit::none : unit::week;
        case 'D':
          return time ? unit::none : unit::day;
        case 'H':
          return time ? unit::hour : unit::none;
        case 'S':
          return time ? unit::second : unit::none;
        default:
          return unit::none;
      }
    }();
    if (named == unit::none) return parsed::malformed;
    if (!sum.add(named, count)) return parsed::out_of_range;
    text.remove_prefix(1);
  }
  return sum.store(out, false);
}

}  // namespace

parsed parse_interval(std::string_view text, interval_value& out) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.size() > 1 && text.front() == 'P') return parse_iso(text, out);
  std::vector<field> fields;
  if (const auto outcome = read_fields(text, fields); outcome != parsed::good) return outcome;
  return sum_up(fields, out);
}

}  // namespace sluice
