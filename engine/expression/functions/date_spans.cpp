// Spans between times: age, date_bin, justify_days and its like, local times of now.
#include "engine/expression/functions/support.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

namespace sluice::expression {

namespace {

// A local time in its parts.
struct parts {
  std::int64_t year, time;
  int month, day;
};

parts parts_of(std::int64_t local) {
  const auto days = floor_div(local, microseconds_per_day);
  const auto date = civil_from_days(days);
  return {.year = date.year, .time = local - days * microseconds_per_day, .month = date.month, .day = date.day};
}

// timestamp_age of PostgreSQL: years, months and days as a person counts them. Days are borrowed from the month of the
// earlier time.
interval age_of(std::int64_t later, std::int64_t earlier) {
  const bool negative = later < earlier;
  const auto a = parts_of(later), b = parts_of(earlier);
  auto months = (a.year - b.year) * 12 + (a.month - b.month);
  std::int64_t days = a.day - b.day, time = a.time - b.time;
  if (negative) {
    months = -months;
    days = -days;
    time = -time;
  }
  while (time < 0) {
    time += microseconds_per_day;
    --days;
  }
  while (days < 0) {
    days += negative ? days_in_month(a.year, a.month) : days_in_month(b.year, b.month);
    --months;
  }
  const auto sign = negative ? -1 : 1;
  return {static_cast<std::int32_t>(sign * months), static_cast<std::int32_t>(sign * days), sign * time * 1000};
}

template <bool Zoned>
result<array_ptr> age_kernel(call& c) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(Zoned ? c.in.run.timezone : "UTC"));
  const column_of<std::int64_t> later(c.args[0]), earlier(c.args[1]);
  row_failures failures(c);
  return fill_rows<interval>(c, failures, [&](std::int64_t row, interval& out) {
    out = Zoned ? age_of(clock.to_local(later[row]), clock.to_local(earlier[row])) : age_of(later[row], earlier[row]);
  });
}

node_ptr today(binder& b, const call_site& site) {
  auto date = find_function("current_date")->bind(b, {"current_date", site.at, {}});
  return date;
}

node_ptr bind_age(binder& b, const call_site& site) {
  auto args = site.args;
  // age(x) is age(current_date, x).
  if (args.size() == 1) args.insert(args.begin(), {today(b, site), site.at});
  bool zoned = false;
  for (auto& each : args) {
    each.value = each.value ? b.settle(each) : nullptr;
    if (!each.value) return nullptr;
    zoned = zoned || is_timestamptz(*each.value->type);
  }
  // Dates and texts are timestamps here; beside a timestamptz all are one.
  const auto& type = zoned ? timestamptz_type() : timestamp_type();
  std::vector<node_ptr> inputs;
  for (const auto& each : args) {
    inputs.push_back(is_text_type(*each.value->type) ? b.cast(each, type) : b.coerce(each, type, "age"));
    if (!inputs.back()) return nullptr;
  }
  return b.call("age", interval_type(), std::move(inputs), zoned ? age_kernel<true> : age_kernel<false>);
}

// date_bin: the start of the stride, counted from the origin.
result<array_ptr> bin_kernel(call& c) {
  const column_of<interval> strides(c.args[0]);
  const column_of<std::int64_t> at(c.args[1]), origin(c.args[2]);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    const auto by = strides[row];
    if (by.months != 0)
      return failures.add(row, "out_of_range", "date_bin takes no months or years: their length differs");
    std::int64_t step = 0;
    const bool fits = !__builtin_mul_overflow(std::int64_t{by.days}, microseconds_per_day, &step) &&
                      !__builtin_add_overflow(step, by.nanoseconds / 1000, &step);
    if (!fits || step <= 0)
      return failures.add(row, "out_of_range",
                          "date_bin expects an interval above 0, found " + argument_text(c, 0, row));
    std::int64_t distance = 0;
    if (__builtin_sub_overflow(at[row], origin[row], &distance))
      return failures.add(row, "out_of_range", "the times of date_bin are too far apart");
    out = origin[row] + floor_div(distance, step) * step;
  });
}

node_ptr bind_bin(binder& b, const call_site& site) {
  auto stride = b.coerce(site.args[0], interval_type(), "argument 1 of date_bin");
  auto at = b.settle(site.args[1]);
  if (!stride || !at) return nullptr;
  const auto& type = is_timestamptz(*at->type) ? timestamptz_type() : timestamp_type();
  at = b.coerce(site.args[1], type, "argument 2 of date_bin");
  auto origin = b.coerce(site.args[2], type, "argument 3 of date_bin");
  return at && origin ? b.call("date_bin", type, {stride, at, origin}, bin_kernel) : nullptr;
}

// --- justify: whole days of hours, months of days; all parts get the same sign, as PostgreSQL does it

enum class justified { hours, days, all };

bool carry(std::int64_t& small, std::int64_t& great, std::int64_t unit) {
  const auto whole = small / unit;
  small -= whole * unit;
  return !__builtin_add_overflow(great, whole, &great);
}

void same_sign(std::int64_t& great, std::int64_t& small, std::int64_t unit) {
  if (great > 0 && small < 0) {
    small += unit;
    --great;
  } else if (great < 0 && small > 0) {
    small -= unit;
    ++great;
  }
}

template <justified What>
result<array_ptr> justify_kernel(call& c) {
  const column_of<interval> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<interval>(c, failures, [&](std::int64_t row, interval& out) {
    const auto value = from[row];
    std::int64_t months = value.months, days = value.days, time = value.nanoseconds / 1000;
    if (What == justified::hours) {
      carry(time, days, microseconds_per_day);
      same_sign(days, time, microseconds_per_day);
    } else if (What == justified::days) {
      carry(days, months, 30);
      same_sign(months, days, 30);
    } else {
      // interval_justify_interval
      if ((days > 0 && time > 0) || (days < 0 && time < 0)) carry(days, months, 30);
      carry(time, days, microseconds_per_day);
      carry(days, months, 30);
      if (months > 0 && (days < 0 || (days == 0 && time < 0))) {
        days += 30;
        --months;
      } else if (months < 0 && (days > 0 || (days == 0 && time > 0))) {
        days -= 30;
        ++months;
      }
      same_sign(days, time, microseconds_per_day);
    }
    if (months != static_cast<std::int32_t>(months) || days != static_cast<std::int32_t>(days))
      return failures.add(row, "out_of_range", "the interval is out of range");
    out = {static_cast<std::int32_t>(months), static_cast<std::int32_t>(days), time * 1000};
  });
}

template <justified What>
node_ptr bind_justify(binder& b, const call_site& site) {
  return bind_fixed(b, site, {interval_type()}, interval_type(), justify_kernel<What>);
}

// --- now

node_ptr bind_local_timestamp(binder& b, const call_site& site) {
  auto now = find_function("now")->bind(b, {"now", site.at, {}});
  return now ? b.cast({now, site.at}, timestamp_type()) : nullptr;
}
node_ptr bind_local_time(binder& b, const call_site& site) {
  auto now = find_function("now")->bind(b, {"now", site.at, {}});
  return now ? b.cast({now, site.at}, time_type()) : nullptr;
}
node_ptr bind_now(binder& b, const call_site& site) { return find_function("now")->bind(b, {"now", site.at, {}}); }

}  // namespace

const std::vector<function>& date_span_functions() {
  static const std::vector<function> all = {
      entry("age", "date", "age(later, earlier) or age(earlier) -> interval",
            "time between, in years, months and days as a person counts them; age(x) is up to today",
            "age(timestamp '2024-03-01', timestamp '1999-12-25 06:00')", "24 years 2 mons 6 days 18:00:00", 1, 2,
            bind_age),
      entry("date_bin", "date", "date_bin(stride, timestamp, origin) -> timestamp",
            "the start of the stride that the time lies in, counted from the origin",
            "date_bin('15 minutes', timestamp '2024-05-01 12:38:40', timestamp '2001-01-01')", "2024-05-01 12:30:00", 3,
            3, bind_bin),
      entry("justify_days", "date", "justify_days(interval) -> interval", "30 days become a month",
            "justify_days(interval '35 days')", "1 mon 5 days", 1, 1, bind_justify<justified::days>),
      entry("justify_hours", "date", "justify_hours(interval) -> interval", "24 hours become a day",
            "justify_hours(interval '27 hours')", "1 day 03:00:00", 1, 1, bind_justify<justified::hours>),
      entry("justify_interval", "date", "justify_interval(interval) -> interval",
            "both, and all parts get the same sign", "justify_interval(interval '1 mon -1 hour')", "29 days 23:00:00",
            1, 1, bind_justify<justified::all>),
      entry("localtime", "date", "localtime -> time", "the time of day of now() in the run's time zone",
            "localtime = now()::time", "true", 0, 0, bind_local_time),
      entry("localtimestamp", "date", "localtimestamp -> timestamp", "now() in the run's time zone",
            "localtimestamp = now()::timestamp", "true", 0, 0, bind_local_timestamp),
      entry("statement_timestamp", "date", "statement_timestamp() -> timestamptz", "the same as now()",
            "statement_timestamp() = now()", "true", 0, 0, bind_now),
      entry("transaction_timestamp", "date", "transaction_timestamp() -> timestamptz", "the same as now()",
            "transaction_timestamp() = now()", "true", 0, 0, bind_now),
  };
  return all;
}

}  // namespace sluice::expression
