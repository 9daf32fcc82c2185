#include "engine/values/interval_parts.hpp"

#include "engine/values/calendar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sluice::interval_parts {

namespace {

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

}  // namespace

unit unit_named(std::string_view word) {
  const auto* found =
      std::find_if(unit_names.begin(), unit_names.end(), [&](const auto& one) { return one.name == word; });
  return found == unit_names.end() ? unit::none : found->what;
}

bool parts::add(unit what, const number& count) {
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

parsed parts::store(interval_value& out, bool ago) const {
  const auto sign = ago ? -1 : 1;
  const auto fits = [](std::int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; };
  if (!fits(sign * months_) || !fits(sign * days_) || __builtin_mul_overflow(time_, sign * 1000, &out.nanoseconds))
    return parsed::out_of_range;
  out.months = static_cast<std::int32_t>(sign * months_);
  out.days = static_cast<std::int32_t>(sign * days_);
  return parsed::good;
}

bool parts::add_to(std::int64_t& sum, std::int64_t count, std::int64_t scale) {
  std::int64_t scaled;
  return !__builtin_mul_overflow(count, scale, &scaled) && !__builtin_add_overflow(sum, scaled, &sum) &&
         sum != std::numeric_limits<std::int64_t>::min();
}

bool parts::add_fraction(double of_unit, std::int64_t unit_microseconds) {
  auto rest = of_unit * static_cast<double>(unit_microseconds);
  auto whole = static_cast<std::int64_t>(rest);
  rest -= static_cast<double>(whole);
  whole += rest > 0.5 ? 1 : rest < -0.5 ? -1 : 0;
  return add_to(time_, whole, 1);
}

bool parts::add_fraction_of_days(double days) {
  const auto whole = static_cast<std::int64_t>(days);
  return add_to(days_, whole, 1) && add_fraction(days - static_cast<double>(whole), microseconds_per_day);
}

bool parts::add_time(const number& count, std::int64_t unit_microseconds) {
  return add_to(time_, count.whole, unit_microseconds) && add_fraction(count.fraction, unit_microseconds);
}

bool parts::add_years(const number& count, std::int64_t years) {
  return add_to(months_, count.whole, 12 * years) &&
         add_to(months_, static_cast<std::int64_t>(std::rint(count.fraction * static_cast<double>(years) * 12)), 1);
}

}  // namespace sluice::interval_parts
