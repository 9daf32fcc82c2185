// Dates, times and intervals: casts among them, their arithmetic, and the comparison of intervals.
#include "engine/expression/kernels/casts.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/expression/kernels/operators.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <cmath>

namespace sluice::expression {

namespace {

using span = interval;

enum class temporal { none, date, time, timestamp, timestamptz, interval };

temporal kind_of(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::DATE32:
      return temporal::date;
    case arrow::Type::TIME64:
      return temporal::time;
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? temporal::timestamp
                                                                               : temporal::timestamptz;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return temporal::interval;
    default:
      return temporal::none;
  }
}

bool day_start(std::int32_t days, std::int64_t& out) {
  return !__builtin_mul_overflow(static_cast<std::int64_t>(days), microseconds_per_day, &out);
}

std::int32_t day_of(std::int64_t local) { return static_cast<std::int32_t>(floor_div(local, microseconds_per_day)); }
std::int64_t time_of(std::int64_t local) { return local - std::int64_t{day_of(local)} * microseconds_per_day; }

result<array_ptr> date_to_timestamp(call& c) { return convert_rows<std::int32_t, std::int64_t>(c, day_start); }

result<array_ptr> date_to_timestamptz(call& c) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(c.in.run.timezone));
  return convert_rows<std::int32_t, std::int64_t>(c, [&](std::int32_t from, std::int64_t& to) {
    if (!day_start(from, to)) return false;
    to = clock.to_utc(to);
    return true;
  });
}

template <bool Zoned, bool ToDate>
result<array_ptr> timestamp_part(call& c) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(Zoned ? c.in.run.timezone : "UTC"));
  using to_type = std::conditional_t<ToDate, std::int32_t, std::int64_t>;
  return convert_rows<std::int64_t, to_type>(c, [&](std::int64_t from, to_type& to) {
    const auto local = Zoned ? clock.to_local(from) : from;
    if constexpr (ToDate)
      to = day_of(local);
    else
      to = time_of(local);
    return true;
  });
}

template <bool ToUtc>
result<array_ptr> change_zone(call& c) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(c.in.run.timezone));
  return convert_rows<std::int64_t, std::int64_t>(c, [&](std::int64_t from, std::int64_t& to) {
    to = ToUtc ? clock.to_utc(from) : clock.to_local(from);
    return true;
  });
}

result<array_ptr> time_to_interval(call& c) {
  return convert_rows<std::int64_t, span>(c, [](std::int64_t from, span& to) {
    to = {0, 0, from * 1000};
    return true;
  });
}

// --- arithmetic

// Adds calendar months: the day is cut to the month's length.
bool add_months(std::int64_t local, std::int32_t by, std::int64_t& out) {
  const auto day = day_of(local);
  const auto time = time_of(local);
  const auto date = civil_from_days(day);
  const std::int64_t months = date.year * 12 + (date.month - 1) + by;
  const auto year = floor_div(months, 12);
  const int month = static_cast<int>(months - year * 12) + 1;
  const int last = days_in_month(year, month);
  const auto moved = days_from_civil(year, month, date.day < last ? date.day : last);
  std::int64_t start;
  return !__builtin_mul_overflow(moved, microseconds_per_day, &start) && !__builtin_add_overflow(start, time, &out);
}

bool add_days(std::int64_t local, std::int32_t by, std::int64_t& out) {
  std::int64_t days;
  return !__builtin_mul_overflow(static_cast<std::int64_t>(by), microseconds_per_day, &days) &&
         !__builtin_add_overflow(local, days, &out);
}

// Months, then days.
bool add_interval(std::int64_t local, const span& by, std::int64_t& out) {
  if (by.months != 0 && !add_months(local, by.months, local)) return false;
  return add_days(local, by.days, out);
}

span negated(const span& of) {
  return {static_cast<std::int32_t>(-static_cast<std::uint32_t>(of.months)),
          static_cast<std::int32_t>(-static_cast<std::uint32_t>(of.days)),
          static_cast<std::int64_t>(-static_cast<std::uint64_t>(of.nanoseconds))};
}

// Runs `work(left, right, out) -> bool` over rows; false is an overflow.
template <class Left, class Right, class Out, class Work>
result<array_ptr> combine(call& c, Work&& work) {
  const column_of<Left> left(c.args[0]);
  const column_of<Right> right(c.args[1]);
  row_failures failures(c);
  return fill_rows<Out>(c, failures, [&](std::int64_t row, Out& out) {
    if (work(left[row], right[row], out)) return;
    failures.add(row, "out_of_range",
                 value_text(*c.args[0].array, c.args[0].constant ? 0 : row) + " with " +
                     value_text(*c.args[1].array, c.args[1].constant ? 0 : row) + " is out of the range of " +
                     type_name(*c.type));
  });
}

template <bool Subtract>
result<array_ptr> timestamp_interval(call& c) {
  return combine<std::int64_t, span, std::int64_t>(c, [](std::int64_t at, span by, std::int64_t& out) {
    if (Subtract) by = negated(by);
    return add_interval(at, by, out) && !__builtin_add_overflow(out, by.nanoseconds / 1000, &out);
  });
}

// Days and months are those of the run's time zone, hours are hours.
template <bool Subtract>
result<array_ptr> timestamptz_interval(call& c) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(c.in.run.timezone));
  return combine<std::int64_t, span, std::int64_t>(c, [&](std::int64_t at, span by, std::int64_t& out) {
    if (Subtract) by = negated(by);
    out = at;
    // Each step ends at a real time: where the months lead into a gap, the days continue after it.
    if (by.months != 0) {
      if (!add_months(clock.to_local(out), by.months, out)) return false;
      out = clock.to_utc(out);
    }
    if (by.days != 0) {
      if (!add_days(clock.to_local(out), by.days, out)) return false;
      out = clock.to_utc(out);
    }
    return !__builtin_add_overflow(out, by.nanoseconds / 1000, &out);
  });
}

template <bool Subtract>
result<array_ptr> date_interval(call& c) {
  return combine<std::int32_t, span, std::int64_t>(c, [](std::int32_t days, span by, std::int64_t& out) {
    if (Subtract) by = negated(by);
    std::int64_t start = 0;
    return day_start(days, start) && add_interval(start, by, out) &&
           !__builtin_add_overflow(out, by.nanoseconds / 1000, &out);
  });
}

template <bool Subtract>
result<array_ptr> time_interval(call& c) {
  return combine<std::int64_t, span, std::int64_t>(c, [](std::int64_t time, const span& by, std::int64_t& out) {
    const auto moved = time + (Subtract ? -1 : 1) * (by.nanoseconds / 1000 % microseconds_per_day);
    out = moved - floor_div(moved, microseconds_per_day) * microseconds_per_day;
    return true;
  });
}

// Whole days and the rest, as PostgreSQL has it.
result<array_ptr> timestamp_difference(call& c) {
  return combine<std::int64_t, std::int64_t, span>(c, [](std::int64_t left, std::int64_t right, span& out) {
    std::int64_t difference;
    if (__builtin_sub_overflow(left, right, &difference)) return false;
    const auto days = difference / microseconds_per_day;
    out = {0, static_cast<std::int32_t>(days), (difference - days * microseconds_per_day) * 1000};
    return true;
  });
}

result<array_ptr> time_difference(call& c) {
  return combine<std::int64_t, std::int64_t, span>(c, [](std::int64_t left, std::int64_t right, span& out) {
    out = {0, 0, (left - right) * 1000};
    return true;
  });
}

result<array_ptr> date_and_time(call& c) {
  return combine<std::int32_t, std::int64_t, std::int64_t>(
      c, [](std::int32_t days, std::int64_t time, std::int64_t& out) {
        return day_start(days, out) && !__builtin_add_overflow(out, time, &out);
      });
}

template <bool Subtract>
result<array_ptr> interval_sum(call& c) {
  return combine<span, span, span>(c, [](const span& left, const span& right, span& out) {
    const auto by = Subtract ? negated(right) : right;
    return !__builtin_add_overflow(left.months, by.months, &out.months) &&
           !__builtin_add_overflow(left.days, by.days, &out.days) &&
           !__builtin_add_overflow(left.nanoseconds, by.nanoseconds, &out.nanoseconds);
  });
}

// The nearest microsecond of a number of seconds or days that floating point has missed by a little.
double without_noise(double value) { return std::rint(value * 1e6) / 1e6; }

// The right side is a double. Parts of a month or day go over to the smaller unit (30 days a month), by the steps of
// PostgreSQL's interval_mul and interval_div.
template <bool Divide>
result<array_ptr> interval_scaled(call& c) {
  const column_of<span> left(c.args[0]);
  const column_of<double> right(c.args[1]);
  row_failures failures(c);
  return fill_rows<span>(c, failures, [&](std::int64_t row, span& out) {
    const auto from = left[row];
    if (Divide && right[row] == 0) return failures.add(row, "division_by_zero", "division by zero");
    const auto scaled = [by = right[row]](double value) { return Divide ? value / by : value * by; };
    const double months = scaled(from.months), days = scaled(from.days);
    const double time = scaled(static_cast<double>(from.nanoseconds / 1000));
    const bool fits = std::fabs(months) < 2147483648.0 && std::fabs(days) < 2147483648.0 && std::fabs(time) < 9.2e15;
    if (!fits) return failures.add(row, "out_of_range", "the interval is out of range");
    const double days_of_months = without_noise((months - std::trunc(months)) * 30);
    double seconds = without_noise((days - std::trunc(days) + days_of_months - std::trunc(days_of_months)) * 86'400);
    std::int64_t whole_days = static_cast<std::int64_t>(days) + static_cast<std::int64_t>(days_of_months);
    if (std::fabs(seconds) >= 86'400) {
      const auto carried = std::trunc(seconds / 86'400);
      whole_days += static_cast<std::int64_t>(carried);
      seconds -= carried * 86'400;
    }
    const double microseconds = std::rint(time + seconds * 1e6);
    if (whole_days != static_cast<std::int32_t>(whole_days) || std::fabs(microseconds) > 9.2e15)
      return failures.add(row, "out_of_range", "the interval is out of range");
    out = {static_cast<std::int32_t>(months), static_cast<std::int32_t>(whole_days),
           static_cast<std::int64_t>(microseconds) * 1000};
  });
}

template <comparison Op>
result<array_ptr> interval_comparison(call& c) {
  const column_of<span> left(c.args[0]);
  const column_of<span> right(c.args[1]);
  return gather_booleans(
      c, [&](std::int64_t row) { return holds<Op>(interval_length(left[row]), interval_length(right[row])); });
}

typed_kernel add(temporal left, temporal right) {
  if (right == temporal::interval) {
    if (left == temporal::date) return {date_interval<false>, timestamp_type()};
    if (left == temporal::time) return {time_interval<false>, time_type()};
    if (left == temporal::timestamp) return {timestamp_interval<false>, timestamp_type()};
    if (left == temporal::timestamptz) return {timestamptz_interval<false>, timestamptz_type()};
    if (left == temporal::interval) return {interval_sum<false>, interval_type()};
  }
  if (left == temporal::date && right == temporal::time) return {date_and_time, timestamp_type()};
  return {};
}

typed_kernel subtract(temporal left, temporal right) {
  if (right == temporal::interval) {
    if (left == temporal::date) return {date_interval<true>, timestamp_type()};
    if (left == temporal::time) return {time_interval<true>, time_type()};
    if (left == temporal::timestamp) return {timestamp_interval<true>, timestamp_type()};
    if (left == temporal::timestamptz) return {timestamptz_interval<true>, timestamptz_type()};
    if (left == temporal::interval) return {interval_sum<true>, interval_type()};
  }
  if (left == right && (left == temporal::timestamp || left == temporal::timestamptz))
    return {timestamp_difference, interval_type()};
  if (left == temporal::time && right == temporal::time) return {time_difference, interval_type()};
  return {};
}

}  // namespace

typed_kernel find_temporal_kernel(arithmetic op, const arrow::DataType& left, const arrow::DataType& right) {
  const auto a = kind_of(left);
  const auto b = kind_of(right);
  if (a == temporal::interval && right.id() == arrow::Type::DOUBLE) {
    if (op == arithmetic::multiply) return {interval_scaled<false>, interval_type()};
    if (op == arithmetic::divide) return {interval_scaled<true>, interval_type()};
  }
  if (op == arithmetic::add) return add(a, b);
  if (op == arithmetic::subtract) return subtract(a, b);
  return {};
}

kernel find_temporal_cast(const arrow::DataType& from, const arrow::DataType& to) {
  const auto a = kind_of(from);
  const auto b = kind_of(to);
  if (a == temporal::date && b == temporal::timestamp) return date_to_timestamp;
  if (a == temporal::date && b == temporal::timestamptz) return date_to_timestamptz;
  if (a == temporal::timestamp && b == temporal::date) return timestamp_part<false, true>;
  if (a == temporal::timestamp && b == temporal::time) return timestamp_part<false, false>;
  if (a == temporal::timestamp && b == temporal::timestamptz) return change_zone<true>;
  if (a == temporal::timestamptz && b == temporal::date) return timestamp_part<true, true>;
  if (a == temporal::timestamptz && b == temporal::time) return timestamp_part<true, false>;
  if (a == temporal::timestamptz && b == temporal::timestamp) return change_zone<false>;
  if (a == temporal::time && b == temporal::interval) return time_to_interval;
  return nullptr;
}

kernel interval_comparison_kernel(comparison op) {
  return dispatch(op, [](auto known) -> kernel { return interval_comparison<known>; });
}

}  // namespace sluice::expression
