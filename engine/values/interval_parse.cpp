// Intervals out of text, as PostgreSQL reads them (IntervalStyle postgres).
#include "engine/values/calendar.hpp"
#include "engine/values/value_parse.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace sluice {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

enum class unit {
  none,
  microsecond,
  millisecond,
  second,
  minute,
  hour,
  day,
  week,
  month,
  year,
  decade,
  century,
  millennium,
  ago
};

struct unit_name {
  std::string_view name;
  unit what;
};

constexpr std::array unit_names = {unit_name{"us", unit::microsecond},
                                   unit_name{"usec", unit::microsecond},
                                   unit_name{"usecs", unit::microsecond},
                                   unit_name{"usecond", unit::microsecond},
                                   unit_name{"useconds", unit::microsecond},
                                   unit_name{"microsecond", unit::microsecond},
                                   unit_name{"microseconds", unit::microsecond},
                                   unit_name{"ms", unit::millisecond},
                                   unit_name{"msec", unit::millisecond},
                                   unit_name{"msecs", unit::millisecond},
                                   unit_name{"msecond", unit::millisecond},
                                   unit_name{"mseconds", unit::millisecond},
                                   unit_name{"millisecond", unit::millisecond},
                                   unit_name{"milliseconds", unit::millisecond},
                                   unit_name{"s", unit::second},
                                   unit_name{"sec", unit::second},
                                   unit_name{"secs", unit::second},
                                   unit_name{"second", unit::second},
                                   unit_name{"seconds", unit::second},
                                   unit_name{"m", unit::minute},
                                   unit_name{"min", unit::minute},
                                   unit_name{"mins", unit::minute},
                                   unit_name{"minute", unit::minute},
                                   unit_name{"minutes", unit::minute},
                                   unit_name{"h", unit::hour},
                                   unit_name{"hr", unit::hour},
                                   unit_name{"hrs", unit::hour},
                                   unit_name{"hour", unit::hour},
                                   unit_name{"hours", unit::hour},
                                   unit_name{"d", unit::day},
                                   unit_name{"day", unit::day},
                                   unit_name{"days", unit::day},
                                   unit_name{"w", unit::week},
                                   unit_name{"week", unit::week},
                                   unit_name{"weeks", unit::week},
                                   unit_name{"mon", unit::month},
                                   unit_name{"mons", unit::month},
                                   unit_name{"month", unit::month},
                                   unit_name{"months", unit::month},
                                   unit_name{"y", unit::year},
                                   unit_name{"yr", unit::year},
                                   unit_name{"yrs", unit::year},
                                   unit_name{"year", unit::year},
                                   unit_name{"years", unit::year},
                                   unit_name{"dec", unit::decade},
                                   unit_name{"decs", unit::decade},
                                   unit_name{"decade", unit::decade},
                                   unit_name{"decades", unit::decade},
                                   unit_name{"c", unit::century},
                                   unit_name{"cent", unit::century},
                                   unit_name{"century", unit::century},
                                   unit_name{"centuries", unit::century},
                                   unit_name{"mil", unit::millennium},
                                   unit_name{"mils", unit::millennium},
                                   unit_name{"millennium", unit::millennium},
                                   unit_name{"millennia", unit::millennium},
                                   unit_name{"ago", unit::ago}};

// 1.5, .5 or 5.: the whole part and, with the same sign, the rest.
struct number {
  std::int64_t whole = 0;
  double fraction = 0;
};

// Gathers what the fields of an interval say. Every `add` is false beyond the range.
class parts {
 public:
  bool add(unit what, const number& count) {
    switch (what) {
      case unit::microsecond:
        return add_time(count, 1);
      case unit::millisecond:
        return add_time(count, 1000);
      case unit::second:
        return add_time(count, microseconds_per_second);
      case unit::minute:
        return add_time(count, 60 * microseconds_per_second);
      case unit::hour:
        return add_time(count, 3600 * microseconds_per_second);
      case unit::day:
        return add_to(days_, count.whole, 1) && add_fraction(count.fraction, microseconds_per_day);
      case unit::week:
        return add_to(days_, count.whole, 7) && add_fraction_of_days(count.fraction * 7);
      case unit::month:
        return add_to(months_, count.whole, 1) && add_fraction_of_days(count.fraction * 30);
      case unit::year:
        return add_years(count, 1);
      case unit::decade:
        return add_years(count, 10);
      case unit::century:
        return add_years(count, 100);
      case unit::millennium:
        return add_years(count, 1000);
      default:
        return false;
    }
  }
  [[nodiscard]] bool has_time() const { return time_ != 0; }
  bool add_microseconds(std::int64_t count) { return add_to(time_, count, 1); }

  parsed store(interval_value& out, bool ago) const {
    const auto sign = ago ? -1 : 1;
    const auto fits = [](std::int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; };
    if (!fits(sign * months_) || !fits(sign * days_) || __builtin_mul_overflow(time_, sign * 1000, &out.nanoseconds))
      return parsed::out_of_range;
    out.months = static_cast<std::int32_t>(sign * months_);
    out.days = static_cast<std::int32_t>(sign * days_);
    return parsed::good;
  }

 private:
  static bool add_to(std::int64_t& sum, std::int64_t count, std::int64_t scale) {
    std::int64_t scaled;
    return !__builtin_mul_overflow(count, scale, &scaled) && !__builtin_add_overflow(sum, scaled, &sum) &&
           sum != std::numeric_limits<std::int64_t>::min();
  }
  // Half a microsecond is dropped, more is a whole one.
  bool add_fraction(double of_unit, std::int64_t unit_microseconds) {
    auto rest = of_unit * static_cast<double>(unit_microseconds);
    auto whole = static_cast<std::int64_t>(rest);
    rest -= static_cast<double>(whole);
    whole += rest > 0.5 ? 1 : rest < -0.5 ? -1 : 0;
    return add_to(time_, whole, 1);
  }
  bool add_fraction_of_days(double days) {
    const auto whole = static_cast<std::int64_t>(days);
    return add_to(days_, whole, 1) && add_fraction(days - static_cast<double>(whole), microseconds_per_day);
  }
  bool add_time(const number& count, std::int64_t unit_microseconds) {
    return add_to(time_, count.whole, unit_microseconds) && add_fraction(count.fraction, unit_microseconds);
  }
  // A part of a year is rounded to months.
  bool add_years(const number& count, std::int64_t years) {
    return add_to(months_, count.whole, 12 * years) &&
           add_to(months_, static_cast<std::int64_t>(std::rint(count.fraction * static_cast<double>(years) * 12)), 1);
  }

  std::int64_t months_ = 0, days_ = 0, time_ = 0;
};

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
  if (is_glued(word, text)) return unit::none;
  const auto* found =
      std::find_if(unit_names.begin(), unit_names.end(), [&](const auto& one) { return one.name == word; });
  return found == unit_names.end() ? unit::none : found->what;
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
